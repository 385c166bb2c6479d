package ipcp

// Option types (RFC 1332 section 3, RFC 1877 section 1).
const (
	OptAddresses     = 1   // IP-Addresses, deprecated
	OptCompression   = 2   // IP-Compression-Protocol
	OptAddress       = 3   // IP-Address, four octets
	OptPrimaryDNS    = 129 // four octets
	OptPrimaryNBNS   = 130 // WINS, four octets
	OptSecondaryDNS  = 131 // four octets
	OptSecondaryNBNS = 132 // WINS, four octets
)
