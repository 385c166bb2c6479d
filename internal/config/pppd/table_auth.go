package pppd

import (
	"slices"
	"time"
)

const mschapV1 = "mschap"

func isMSCHAPv1(method string) bool { return method == mschapV1 }

// The timers are shared by all methods, of which one is used at a time.
func restartTimer(s *Settings) *time.Duration { return &s.AuthTimers.Restart }
func maxTransmit(s *Settings) *int            { return &s.AuthTimers.MaxTransmit }
func authTimeout(s *Settings) *time.Duration  { return &s.AuthTimers.Timeout }
func rechallenge(s *Settings) *time.Duration  { return &s.AuthTimers.Rechallenge }

const (
	noTLS  = "EAP-TLS is not supported"
	noMPPE = "encryption (MPPE) is not supported, and nothing may go out that was meant to be encrypted"
)

// authOptions say who we are, and how either side authenticates itself.
var authOptions = []option{
	{name: "user", roles: Client, help: "our name, told to the peer",
		kind: text("NAME", func(s *Settings, v string) { s.User = v })},
	{name: "password", roles: Client, help: "our password; on a command line others can see it: prefer password-file",
		kind: text("PASSWORD", func(s *Settings, v string) { s.Password, s.HasPassword = Secret(v), true })},
	{name: "password-file", roles: Client, help: "file whose first line is our password",
		kind: text("FILE", func(s *Settings, v string) { s.PasswordFile = v })},
	{name: "passwordfd", roles: Client, help: "descriptor on which our password is to be read, as pppd's plugin passwordfd.so has it",
		kind: number("N", 0, 1<<16, func(s *Settings, n int) { s.PasswordFD = n })},
	{name: "chap-secrets", help: "file of secrets for CHAP and EAP (default /etc/ppp/chap-secrets)",
		kind: text("FILE", func(s *Settings, v string) { s.CHAPSecrets = v })},
	{name: "pap-secrets", help: "file of secrets for PAP (default /etc/ppp/pap-secrets)",
		kind: text("FILE", func(s *Settings, v string) { s.PAPSecrets = v })},
	{name: "password-env", roles: Client, help: "environment variable that holds our password (default PPPOE_PASSWORD)",
		kind: text("VARIABLE", func(s *Settings, v string) { s.PasswordEnv = v })},
	{name: "name", help: "our name in the secrets files (client: if user is not given; server: default the AC-Name)",
		kind: text("NAME", func(s *Settings, v string) { s.Name = v })},
	{name: "remotename", roles: Client, help: "the peer's name in the secrets files",
		kind: text("NAME", func(s *Settings, v string) { s.RemoteName = v })},
	{name: "auth", help: "require the peer to authenticate itself",
		kind: flag(func(s *Settings) { s.Auth, s.NoAuth = true, false })},
	{name: "noauth", help: "do not require the peer to authenticate itself",
		kind: flag(func(s *Settings) { s.Auth, s.NoAuth, s.Require = false, true, nil })},
	{name: "require-chap", also: "+chap", help: "require CHAP with MD5 from the peer", kind: require("chap")},
	{name: "require-mschap-v2", also: "+mschap-v2", help: "require MS-CHAPv2 from the peer", kind: require("mschap-v2")},
	{name: "require-pap", also: "+pap", help: "require PAP from the peer", kind: require("pap")},
	{name: "require-eap", help: "require EAP with MD5 from the peer", kind: require("eap")},
	{name: "require-mschap", also: "+mschap", status: refused, help: "MS-CHAP version 1 is broken: use require-mschap-v2"},
	{name: "allow-mschap-v1", roles: Client, help: "authenticate ourselves by MS-CHAP version 1 too, which is weak, to a peer that accepts nothing else (default if all other methods are refused)",
		kind: flag(func(s *Settings) { s.MSCHAPv1, s.Refuse = true, slices.DeleteFunc(s.Refuse, isMSCHAPv1) })},
	{name: "ms-lanman", roles: Client, help: "likewise, by the LAN Manager response, which is weaker still",
		kind: flag(func(s *Settings) {
			s.MSCHAPv1, s.LANMAN, s.Refuse = true, true, slices.DeleteFunc(s.Refuse, isMSCHAPv1)
		})},
	{name: "refuse-chap", also: "-chap", help: "do not authenticate ourselves by CHAP with MD5", kind: refuse("chap")},
	{name: "refuse-mschap-v2", also: "-mschap-v2", help: "nor by MS-CHAPv2", kind: refuse("mschap-v2")},
	{name: "refuse-pap", also: "-pap", help: "nor by PAP", kind: refuse("pap")},
	{name: "refuse-eap", help: "nor by EAP", kind: refuse("eap")},
	{name: "refuse-mschap", also: "-mschap", help: "nor by MS-CHAP version 1 (default, but see allow-mschap-v1)", kind: refuse(mschapV1)},
	{name: "hide-password", help: "keep PAP's password out of the log (default)",
		kind: flag(func(s *Settings) { s.ShowPassword = false })},
	{name: "show-password", help: "let PAP's password into the log",
		kind: flag(func(s *Settings) { s.ShowPassword = true })},

	{name: "chap-restart", also: "eap-restart", help: "until a challenge is sent again (default 3)", kind: interval(restartTimer)},
	{name: "pap-restart", help: "until a request is sent again (default 3)", kind: interval(restartTimer)},
	{name: "chap-max-challenge", also: "eap-max-sreq", help: "how often a challenge is sent (default 10)", kind: count(maxTransmit)},
	{name: "pap-max-authreq", help: "how often a request is sent (default 10)", kind: count(maxTransmit)},
	{name: "chap-timeout", also: "eap-timeout", help: "how long to wait for a challenge (default 60; 0: for ever)", kind: timeout(authTimeout)},
	{name: "pap-timeout", help: "how long to wait for the peer's request (default 30; 0: for ever)", kind: timeout(authTimeout)},
	{name: "chap-interval", also: "eap-interval", help: "challenge the peer again so often (default 0: never)", kind: seconds(rechallenge)},
	{name: "eap-max-rreq", status: warned, help: "the peer may ask as often as it likes", kind: ignoredValue("N")},

	{name: "usehostname", status: warned, help: "name says what we are called"},
	{name: "domain", status: warned, help: "name says what we are called", kind: ignoredValue("NAME")},
	{name: "chapms-strip-domain", roles: Server, status: warned, help: "names stay as they are told"},
	{name: "enable-session", status: warned, help: "the system's list of sessions is not written"},
	{name: "allow-ip", status: warned, help: "addresses are allowed by the secrets files", kind: ignoredValue("ADDRESS")},
	{name: "privgroup", status: warned, help: "no group has more rights than others", kind: ignoredValue("GROUP")},
	{name: "allow-number", status: refused, help: "peers cannot be told apart by their Ethernet address", kind: ignoredValue("NUMBER")},
	{name: "papcrypt", status: refused, help: "encrypted secrets are not supported: pap-secrets must hold them as they are"},
	{name: "login", status: refused, help: "the system's passwords are not used: accounts are in the secrets files"},
	{name: "+ua", status: refused, help: "use user and password-file", kind: ignoredValue("FILE")},
	{name: "mschap-challenge", also: "mschap2-peer-challenge", status: warned, help: "challenges are random: to one that is always the same a recorded answer would do", kind: ignoredValue("TEXT")},
	{name: "require-mppe", also: "require-mppe-40 require-mppe-128 +mppe +mppe-40 +mppe-128", status: refused, help: noMPPE},
	{name: "need-peer-eap", status: refused, help: noTLS},
	{name: "tls-verify-key-usage", status: refused, help: noTLS},
	{name: "ca", also: "capath cert key pkcs12 crl crl-dir max-tls-version tls-verify-method", status: refused, help: noTLS, kind: ignoredValue("FILE")},
}
