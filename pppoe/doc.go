// Package pppoe is PPP over Ethernet (RFC 2516), with the larger payloads of RFC
// 4638: discovery packets and both sides' discovery engines, session frames, and
// the Client and Server that join them to PPP sessions (package ppp/session) on
// one side and to the host's network on the other.
//
// Packets, HostDiscovery and Concentrator are values that are told packets and the time;
// a loop does the I/O, timing and asking for as many sessions as there are.
package pppoe
