// Package radius is a RADIUS client (RFC 2865, 2866, 2869, 3162, 3579, 5080, 5997) of an access
// concentrator: a pppoe.Authenticator, and the requests of accounting. Every Access-Request has a
// Message-Authenticator, and an answer to it without one is dropped (CVE-2024-3596, BlastRADIUS).
//
// All methods may be called concurrently, except where they say otherwise.
package radius
