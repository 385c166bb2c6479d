package pppd

import (
	"slices"
	"time"
)

const mschapV1 = "mschap"

func isMSCHAPv1(method string) bool { return method == mschapV1 }

// All methods share these timers, as one method is used at a time.
func restartTimer(s *Settings) *time.Duration { return &s.AuthTimers.Restart }
func maxTransmit(s *Settings) *int            { return &s.AuthTimers.MaxTransmit }
func authTimeout(s *Settings) *time.Duration  { return &s.AuthTimers.Timeout }
func rechallenge(s *Settings) *time.Duration  { return &s.AuthTimers.Rechallenge }

const (
	noTLS  = "EAP-TLS is not supported"
	noMPPE = "encryption (MPPE) is not supported, and nothing must be sent in the clear that was to be encrypted"
)

// authOptions are the options of authentication, in both directions.
var authOptions = []option{
	{name: "user", roles: Client, help: "our name for authentication",
		kind: text("NAME", func(s *Settings, v string) { s.User = v })},
	{name: "password", roles: Client, help: "our password; other users can see it on a command line: prefer password-file",
		kind: text("PASSWORD", func(s *Settings, v string) { s.Password, s.HasPassword = Secret(v), true })},
	{name: "password-file", roles: Client, help: "file whose first line is our password",
		kind: text("FILE", func(s *Settings, v string) { s.PasswordFile = v })},
	{name: "passwordfd", roles: Client, help: "file descriptor from which our password is read, as with pppd's plugin passwordfd.so",
		kind: number("N", 0, 1<<16, func(s *Settings, n int) { s.PasswordFD = n })},
	{name: "chap-secrets", help: "file of secrets for CHAP and EAP (default /etc/ppp/chap-secrets)",
		kind: text("FILE", func(s *Settings, v string) { s.CHAPSecrets = v })},
	{name: "pap-secrets", help: "file of secrets for PAP (default /etc/ppp/pap-secrets)",
		kind: text("FILE", func(s *Settings, v string) { s.PAPSecrets = v })},
	{name: "password-env", roles: Client, help: "environment variable that holds our password (default PPPOE_PASSWORD)",
		kind: text("VARIABLE", func(s *Settings, v string) { s.PasswordEnv = v })},
	{name: "name", help: "our name in the secrets files, if user is not given",
		server: "our name in the secrets files (default: the AC-Name)",
		kind:   text("NAME", func(s *Settings, v string) { s.Name = v })},
	{name: "remotename", roles: Client, help: "the peer's name in the secrets files",
		kind: text("NAME", func(s *Settings, v string) { s.RemoteName = v })},
	{name: "auth", help: "require the peer to authenticate itself", server: "require the peer to authenticate itself (default)",
		kind: flag(func(s *Settings) { s.Auth, s.NoAuth = true, false })},
	{name: "noauth", help: "do not require the peer to authenticate itself (default)",
		server: "do not require the peer to authenticate itself",
		kind:   flag(func(s *Settings) { s.Auth, s.NoAuth, s.Require = false, true, nil })},
	{name: "require-chap", also: "+chap", help: "require CHAP with MD5 from the peer", kind: require("chap")},
	{name: "require-mschap-v2", also: "+mschap-v2", help: "require MS-CHAPv2 from the peer", kind: require("mschap-v2")},
	{name: "require-pap", also: "+pap", help: "require PAP from the peer", kind: require("pap")},
	{name: "require-eap", help: "require EAP with MD5 from the peer", kind: require("eap")},
	{name: "require-mschap", also: "+mschap", status: refused, help: "MS-CHAP version 1 is broken: use require-mschap-v2"},
	{name: "allow-mschap-v1", roles: Client, help: "authenticate ourselves with MS-CHAP version 1 too, which is weak, if the peer requires it (default if all other methods are refused)",
		kind: flag(func(s *Settings) { s.MSCHAPv1, s.Refuse = true, slices.DeleteFunc(s.Refuse, isMSCHAPv1) })},
	{name: "ms-lanman", roles: Client, help: "like allow-mschap-v1, with the LAN Manager response, which is weaker still",
		kind: flag(func(s *Settings) {
			s.MSCHAPv1, s.LANMAN, s.Refuse = true, true, slices.DeleteFunc(s.Refuse, isMSCHAPv1)
		})},
	{name: "refuse-chap", also: "-chap", help: "do not authenticate ourselves with CHAP (MD5)", kind: refuse("chap")},
	{name: "refuse-mschap-v2", also: "-mschap-v2", help: "do not authenticate ourselves with MS-CHAPv2", kind: refuse("mschap-v2")},
	{name: "refuse-pap", also: "-pap", help: "do not authenticate ourselves with PAP", kind: refuse("pap")},
	{name: "refuse-eap", help: "do not authenticate ourselves with EAP", kind: refuse("eap")},
	{name: "refuse-mschap", also: "-mschap", help: "do not authenticate ourselves with MS-CHAP version 1 (default, but see allow-mschap-v1)",
		server: "do not authenticate ourselves with MS-CHAP version 1 (always so)", kind: refuse(mschapV1)},
	{name: "hide-password", help: "hide the PAP password in the log (default)",
		kind: flag(func(s *Settings) { s.ShowPassword = false })},
	{name: "show-password", help: "show the PAP password in the log",
		kind: flag(func(s *Settings) { s.ShowPassword = true })},

	{name: "chap-restart", also: "eap-restart", help: "time until a challenge is sent again (default 3)", kind: interval(restartTimer)},
	{name: "pap-restart", help: "time until an Authenticate-Request is sent again (default 3)", kind: interval(restartTimer)},
	{name: "chap-max-challenge", also: "eap-max-sreq", help: "maximum number of transmissions of a challenge (default 10)", kind: count(maxTransmit)},
	{name: "pap-max-authreq", help: "maximum number of transmissions of an Authenticate-Request (default 10)", kind: count(maxTransmit)},
	{name: "chap-timeout", also: "eap-timeout", help: "time to wait for the peer's challenge (default 60; 0: no limit)", kind: timeout(authTimeout)},
	{name: "pap-timeout", help: "time to wait for the peer's Authenticate-Request (default 30; 0: no limit)", kind: timeout(authTimeout)},
	{name: "chap-interval", also: "eap-interval", help: "time after which the peer is challenged again (default 0: never)", kind: seconds(rechallenge)},
	{name: "eap-max-rreq", status: warned, help: "the number of the peer's requests is not limited", kind: ignoredValue("N")},

	{name: "usehostname", status: warned, help: "our name is that of option name"},
	{name: "domain", status: warned, help: "our name is that of option name", kind: ignoredValue("NAME")},
	{name: "chapms-strip-domain", roles: Server, status: warned, help: "names are used unchanged"},
	{name: "enable-session", status: warned, help: "sessions are not recorded in utmp and wtmp"},
	{name: "allow-ip", status: warned, help: "the secrets files say which addresses are allowed", kind: ignoredValue("ADDRESS")},
	{name: "privgroup", status: warned, help: "groups have no privileges", kind: ignoredValue("GROUP")},
	{name: "allow-number", status: refused, help: "access control by Ethernet address is not supported", kind: ignoredValue("NUMBER")},
	{name: "papcrypt", status: refused, help: "encrypted secrets are not supported: pap-secrets must hold plain text"},
	{name: "login", status: refused, help: "system passwords are not supported: accounts are in the secrets files"},
	{name: "+ua", status: refused, help: "use user and password-file", server: "accounts are in the secrets files", kind: ignoredValue("FILE")},
	{name: "mschap-challenge", also: "mschap2-peer-challenge", status: warned, help: "challenges are random: a constant one allows replay", kind: ignoredValue("TEXT")},
	{name: "require-mppe", also: "require-mppe-40 require-mppe-128 +mppe +mppe-40 +mppe-128", status: refused, help: noMPPE},
	{name: "need-peer-eap", status: refused, help: noTLS},
	{name: "tls-verify-key-usage", status: refused, help: noTLS},
	{name: "ca", also: "capath cert key pkcs12 crl crl-dir max-tls-version tls-verify-method", status: refused, help: noTLS, kind: ignoredValue("FILE")},
}
