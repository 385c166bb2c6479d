package chap

import (
	"encoding/hex"
	"strings"
	"testing"
)

func hexOf(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// RFC 2759 section 9.2.
func TestRFC2759Vectors(t *testing.T) {
	authenticator, _ := hex.DecodeString("5B5D7C7D7B3F2F3E3C2C602132262628")
	peer, _ := hex.DecodeString("21402324255E262A28295F2B3A337C7E")

	hash := passwordHash([]byte("clientPass"))
	challenge := challengeHash(peer, authenticator, "User")
	response := ntResponse(hash, challenge)
	for _, c := range []struct{ what, got, want string }{
		{"PasswordHash", hexOf(hash), "44EBBA8D5312B8D611474411F56989AE"},
		{"Challenge", hexOf(challenge), "D02E4386BCE91226"},
		{"NT-Response", hexOf(response), "82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF"},
		{
			"AuthenticatorResponse", authenticatorResponse(hash, response, challenge),
			"S=407A5589115FD0D6209F510FE9C04566932CDA56",
		},
	} {
		if c.got != c.want {
			t.Errorf("%s is %s, the RFC has %s", c.what, c.got, c.want)
		}
	}
}

// A peer that responds with an empty password must not be accepted where AAA has no
// password for it.
func TestEmptyPasswordNeverVerifies(t *testing.T) {
	challenge := make([]byte, msChallengeLen)
	value, _, err := msv2{}.respond(1, challenge, nil, responder{"User", strings.NewReader("0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	response, ok := msv2{}.parseResponse(1, challenge, value, "User")
	if !ok {
		t.Fatal("our own Response has a wrong length")
	}
	if message, ok := response.Verify(nil); ok || message != "" {
		t.Errorf("verified %v, message %q", ok, message)
	}
}

// RFC 2759 section 9.3: the thirds of the hash of "MyPw", with parity.
func TestExpandKey(t *testing.T) {
	for key, want := range map[string]string{
		"FC156AF7EDCD6C": "FD0B5B5E7F6E34D9",
		"0EDDE3337D427F": "0E6E796737EA08FE",
		"4EAC0000000000": "4F57010101010101",
	} {
		b, _ := hex.DecodeString(key)
		if got := hexOf(expandKey(b)); got != want {
			t.Errorf("%s with parity is %s, the RFC has %s", key, got, want)
		}
	}
}

func TestDomainIsNotHashed(t *testing.T) {
	zero := make([]byte, 16)
	if string(challengeHash(zero, zero, `DOMAIN\User`)) != string(challengeHash(zero, zero, "User")) {
		t.Error(`RFC 2759 section 4: DOMAIN\ must not be part of the hash`)
	}
	if string(challengeHash(zero, zero, "User@realm")) == string(challengeHash(zero, zero, "User")) {
		t.Error("a realm must be part of the hash")
	}
}

func TestCodeUnits(t *testing.T) {
	for _, c := range []struct {
		what, password string
		want           []uint16
	}{
		{"ASCII", "aB", []uint16{'a', 'B'}},
		{"two octets of UTF-8", "ü", []uint16{0xfc}},
		{"surrogates", "😀", []uint16{0xd83d, 0xde00}},
		{"not UTF-8: octet by octet", "\xfca", []uint16{0xfc, 'a'}},
	} {
		got := codeUnits([]byte(c.password))
		if len(got) != len(c.want) {
			t.Errorf("%s: %x", c.what, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %x", c.what, got)
			}
		}
	}
}
