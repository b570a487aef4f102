import Bridge

XMPPBridge.main()
