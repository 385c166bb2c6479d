package lcp

// Option types (RFC 1661 section 6, RFC 1570 section 2, RFC 1662 section 7,
// RFC 1990 section 5.1).
const (
	OptMRU          = 1  // Maximum-Receive-Unit, two octets
	OptACCM         = 2  // Async-Control-Character-Map, four octets
	OptAuth         = 3  // Authentication-Protocol, two octets and data of the protocol
	OptQuality      = 4  // Quality-Protocol, two octets and data of the protocol
	OptMagic        = 5  // Magic-Number, four octets
	OptPFC          = 7  // Protocol-Field-Compression, empty
	OptACFC         = 8  // Address-and-Control-Field-Compression, empty
	OptFCS          = 9  // FCS-Alternatives, one octet
	OptCallback     = 13 // Callback
	OptMRRU         = 17 // Multilink MRRU, two octets
	OptShortSeq     = 18 // Multilink short sequence numbers, empty
	OptEndpointDisc = 19 // Multilink Endpoint-Discriminator
)

// MRUs, in octets of a frame's information field, without the Protocol field (RFC 1661
// section 2).
const (
	DefaultMRU = 1500 // RFC 1661 section 6.1; must always be accepted, whatever was negotiated
	EtherMRU   = 1492 // the maximum without RFC 4638 (RFC 2516 section 7)
	MinMRU     = 128  // pppd's minimum
)
