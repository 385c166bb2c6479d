// Package radv is router discovery and stateless address autoconfiguration (RFC 4861
// sections 6 and RFC 4862 section 5.5): a Host solicits routers and learns from what
// they advertise, an Advertiser is the router.
//
// Both are plain values that are told messages and the time; neither has a socket or
// a timer. They are not safe for concurrent use.
package radv
