print("xmpp-bridge")
