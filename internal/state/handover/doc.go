// Package handover replaces a running program by another one, its successor, without a pause in what
// it serves: sockets and devices are passed on as they are, with what waits in them.
//
// The predecessor starts the successor with one end of a socket pair (SOCK_SEQPACKET), whose
// descriptor the environment names. Each packet is a message in JSON, with descriptors beside it
// (SCM_RIGHTS):
//
//	predecessor           successor
//	hello           ->                 version of the protocol, build, formats of what is stored
//	                <-    hello        the same; or failed, with the reason
//	files           ->                 descriptors, each with a name; as many messages as necessary
//	prepare         ->                 these are all
//	                <-    ready        the configuration is valid, and everything can be taken; or failed
//	files           ->                 those of what the predecessor has suspended
//	go              ->                 it does nothing any more
//	                <-    taken        the successor serves; or failed
//	                <-    carries      it has all that the predecessor still does: packets of sessions
//	released        ->                 the predecessor ends
//
// Before taken the predecessor can go on at any time: it kills the successor, and serves again with its
// own copies of the descriptors. A successor that loses its predecessor after ready serves as if it had
// received go: the predecessor was killed.
package handover
