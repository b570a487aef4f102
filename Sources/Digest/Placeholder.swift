enum DigestPlaceholder {}
