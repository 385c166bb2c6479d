// Package wire parses and encodes PPPoE on Ethernet: discovery packets and their tags, the header
// of session packets, and MAC-48 addresses. It has no state, opens no socket and implements no
// procedure: those are in packages discovery and datapath.
//
// Sources: RFC 2516 (sections 4 and 5, appendix A), RFC 4638 (PPP-Max-Payload), RFC 5578 (codes and
// tags only), TR-101 issue 2 (the access-line tag). All numbers are in network byte order.
package wire
