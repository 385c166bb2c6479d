package explain

// entry is what is known of a kind of problem.
type entry struct {
	warning bool
	rfc     string
	advice  string
}

// catalogue has the kinds of problems by their codes, which scripts may rely on.
var catalogue = map[string]entry{
	// Discovery.
	"no-pado": {rfc: "RFC 2516 sections 5.1, 5.2 and 8", advice: "Check the cable, the modem and the VLAN: pppoe-discovery -I IF --vlan 1-4094 searches VLANs. " +
		"Ask without a service name: a concentrator that does not have the service must not answer."},
	"pado-other-vlan":         {rfc: "RFC 2516 section 5.2", advice: "Configure the same VLAN for both directions on the host, the switch and the concentrator."},
	"pado-error":              {rfc: "RFC 2516 section 5.2 and appendix A", advice: "Ask the operator of the concentrator with its words; another service name may help."},
	"pado-without-name":       {rfc: "RFC 2516 section 5.2", advice: "Report it to the maker of the concentrator: an AC-Name is required."},
	"pado-without-service":    {rfc: "RFC 2516 section 5.2", advice: "Use a service that the PADO offers, or none; pppoe-discovery -I IF --verbose lists them."},
	"service-name-count":      {warning: true, rfc: "RFC 2516 sections 5.1 and 5.3", advice: "Update or replace the client: concentrators may ignore it."},
	"padi-too-long":           {warning: true, rfc: "RFC 2516 section 5.1", advice: "Shorten the Service-Name or the Host-Uniq."},
	"no-padr":                 {rfc: "RFC 2516 section 5.3", advice: "Check the names that the client accepts (AC name, service): it ignores an offer that does not match, or that does not have its Host-Uniq."},
	"no-pads":                 {rfc: "RFC 2516 sections 5.4 and 8", advice: "Look at the log of the concentrator: it may limit sessions or requests per host, or not accept the AC-Cookie."},
	"padr-cookie":             {rfc: "RFC 2516 section 5.3 and appendix A", advice: "Update or replace the client: it must return the AC-Cookie as it is."},
	"pads-service-name-error": {rfc: "RFC 2516 section 5.4 and appendix A", advice: "Use a service that the concentrator offers, or none: pppoe-discovery -I IF --verbose lists them."},
	"pads-ac-system-error":    {rfc: "RFC 2516 section 5.4 and appendix A", advice: "The concentrator has no resources or limits sessions: wait, end stale sessions of this host, or ask its operator."},
	"pads-generic-error":      {rfc: "RFC 2516 section 5.4 and appendix A", advice: "Ask the operator of the concentrator with its words."},
	"pads-without-session":    {rfc: "RFC 2516 section 5.4", advice: "Look at the log of the concentrator: it refuses without a reason."},
	"session-id-reserved":     {warning: true, rfc: "RFC 2516 section 4", advice: "Report it to the maker of the concentrator."},
	"max-payload-ignored":     {warning: true, rfc: "RFC 4638 section 4", advice: "The MTU is 1492 at most: ask the operator for RFC 4638 (baby jumbo frames) if 1500 is needed."},
	"malformed":               {warning: true, rfc: "RFC 2516 section 4, RFC 1661 section 5", advice: "Such packets are dropped: report it to the maker of the sender, if they come again."},

	// LCP.
	"no-lcp":     {rfc: "RFC 1661 section 3.4", advice: "The session exists, but nobody begins PPP: check that the client starts PPP after the PADS, and that session packets (ethertype 0x8864) pass the switches and filters between."},
	"lcp-silent": {rfc: "RFC 1661 sections 3.4 and 4.6", advice: "Session packets (ethertype 0x8864) of one direction get lost, or the other end has no such session: check filters and switches between, and the log of the silent end."},
	"lcp-slow": {warning: true, rfc: "RFC 1661 section 4.6", advice: "It costs a restart timer at each dial: packets were lost, or the other end was not ready yet. " +
		"A client that repeats its request when it gets one does not wait."},
	"lcp-loop":         {rfc: "RFC 1661 section 6.4", advice: "The line returns what is sent: look for a loop in a switch, a modem in loopback, or two clients that face each other."},
	"auth-mismatch":    {rfc: "RFC 1661 section 6.2", advice: "Allow on one side an authentication protocol that the other accepts (for pppd: remove refuse-pap, refuse-chap, ...; check that a secret is configured)."},
	"lcp-no-agreement": {rfc: "RFC 1661 sections 4.6 and 5.3", advice: "Compare the options that are refused with the configuration of both ends."},
	"ack-differs":      {rfc: "RFC 1661 section 5.2", advice: "Report it to the maker of the sender: such an answer must be dropped, so that the negotiation hangs."},
	"mru-above-1492":   {warning: true, rfc: "RFC 2516 section 7, RFC 4638 section 4", advice: "Set the MRU to 1492, or have both ends use PPP-Max-Payload."},
	"forbidden-option": {warning: true, rfc: "RFC 2516 section 7", advice: "Turn the option off: PPPoE must not negotiate it, and the other end must refuse it."},
	"magic-zero":       {warning: true, rfc: "RFC 1661 section 6.4", advice: "Report it to the maker of the sender: 0 is not a Magic-Number."},
	"echo-wrong-magic": {warning: true, rfc: "RFC 1661 section 5.8", advice: "Report it to the maker: an Echo-Reply has the sender's own Magic-Number; others take the line for looped back."},
	"packet-above-mru": {warning: true, rfc: "RFC 1661 section 6.1", advice: "Set the MTU of the sender to the MRU of the receiver: larger packets may be lost."},

	// Authentication.
	"pap-nak":           {rfc: "RFC 1334 section 2.2.2", advice: "Check user name and password: case, realm (user@provider), spaces at the end; the account may be locked."},
	"chap-failure":      {rfc: "RFC 1994 section 4.2", advice: "Check user name and password: case, realm (user@provider), spaces at the end; the account may be locked."},
	"mschap-failure":    {rfc: "RFC 2759 section 6", advice: "See the error number: 691 is a wrong user name or password, 648 an expired password, 647 a disabled account, 646 a time that is not allowed."},
	"eap-failure":       {rfc: "RFC 3748 section 4.2", advice: "Check user name and password, and the EAP methods that both ends have."},
	"eap-no-method":     {rfc: "RFC 3748 section 5.3.1", advice: "Configure an EAP method on one side that the other has."},
	"auth-not-started":  {rfc: "RFC 1661 section 3.5", advice: "Check that the client has a user name and a password configured for this protocol."},
	"auth-no-challenge": {rfc: "RFC 1994 section 4.1", advice: "The authenticator sends no Challenge: look at its log."},
	"auth-no-answer":    {rfc: "RFC 1661 section 3.5", advice: "The authenticator gives no verdict: its RADIUS server may not answer, or be overloaded. Look at the log of the concentrator."},

	// Network protocols.
	"no-network":           {rfc: "RFC 1661 section 3.6", advice: "Enable IPv4 or IPv6 on both ends."},
	"network-silent":       {rfc: "RFC 1661 section 4.6, RFC 1332 section 2", advice: "One end does not negotiate addresses: look at its log; its pool may be empty, or its RADIUS server may not have answered."},
	"network-no-agreement": {rfc: "RFC 1661 section 5.3, RFC 1332 section 3.3", advice: "Compare the addresses that are refused with the configuration of both ends: a fixed address may not be the one that the AC assigns."},
	"ipcp-no-address":      {rfc: "RFC 1332 section 3.3", advice: "The AC has no address for this user: its pool is empty, or its RADIUS server sends none (Framed-IP-Address, Framed-Pool)."},
	"ipcp-rejected":        {rfc: "RFC 1661 section 5.7", advice: "Enable IPv4 on the end that refuses it, or disable it on the other."},
	"dns-rejected":         {warning: true, rfc: "RFC 1877 section 1", advice: "The AC assigns no DNS servers: configure some on the host, or on the AC (pppd: ms-dns)."},
	"network-terminated":   {warning: true, rfc: "RFC 1661 section 3.7", advice: "Only this protocol ends, not the session: look at the log of the end that ended it."},
	"ipv6-same-identifier": {warning: true, rfc: "RFC 5072 section 4.1", advice: "Both ends have the same interface identifier: one must choose another."},

	// Keepalive and end.
	"echo-timeout":            {rfc: "RFC 1661 section 5.8", advice: "The line or the other end is gone: check the modem and the way between. If it happens under load only, raise the interval and the number of failures (pppd: lcp-echo-interval, lcp-echo-failure)."},
	"echo-loss":               {warning: true, rfc: "RFC 1661 section 5.8", advice: "Packets were lost for a while: look for overload and a bad line."},
	"mtu-path":                {warning: true, rfc: "RFC 4638 section 5.2, RFC 1661 section 6.1", advice: "Frames of full size do not pass: raise the MTU of the interface and of all switches between (MRU + 8 octets, and 4 for each VLAN tag), or lower the MRU."},
	"ac-ended":                {rfc: "RFC 1661 section 5.5, RFC 2516 section 5.5", advice: "The AC ended it: its log or its operator knows why (a time limit, an administrator, RADIUS, a second login of the user)."},
	"host-gave-up":            {rfc: "RFC 1661 section 5.5, RFC 2516 section 5.5", advice: "The host ended it before it was up: look at its log."},
	"ac-gave-up":              {rfc: "RFC 1661 section 5.5, RFC 2516 section 5.5", advice: "The AC ended it before it was up: look at its log, or ask its operator."},
	"padt-unknown-sender":     {warning: true, rfc: "RFC 2516 section 5.5", advice: "A PADT from another address must be ignored: look for the device with this address; it may be an attack or a second client."},
	"packets-after-padt":      {warning: true, rfc: "RFC 2516 section 5.5", advice: "The PADT did not arrive, or the sender ignores it: it has a stale session, which may count against a limit of sessions."},
	"session-unknown-to-peer": {rfc: "RFC 2516 section 5.5", advice: "One end still has a session that the other does not know, after a restart: the PADT ends it, and a new dial follows."},
}
