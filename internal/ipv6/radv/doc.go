// Package radv implements router discovery (RFC 4861 section 6, RFC 8106, RFC 4191) and stateless
// address autoconfiguration (RFC 4862 section 5.5): a Host solicits routers and learns from their
// advertisements, an Advertiser is the router. It has no sockets and no timers: messages and the
// time are arguments. Neighbor and address resolution are the kernel's.
//
// Host and Advertiser are not safe for concurrent use.
package radv
