package chap_test

import (
	"encoding/hex"
	"testing"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/ppptest"
)

func hexString(b []byte) string { return hex.EncodeToString(b) }

// goldenResponses are the Responses of a real pppd.
func goldenResponses(t *testing.T) map[string]ppp.AuthResponse {
	md5 := func(challenge, response string) ppp.AuthResponse {
		c, r := ppptest.Packet(t, challenge), ppptest.Packet(t, response)
		sent, _, err := chap.ParseValue(c.Data)
		if err != nil {
			t.Fatal(err)
		}
		value, name, err := chap.ParseValue(r.Data)
		if err != nil {
			t.Fatal(err)
		}
		return chap.MD5Response{ID: r.ID, Challenge: sent, Response: value, Name: string(name)}
	}
	ms := chap.MSv2Response{ID: 0x54, Name: "testuser"}
	copy(ms.Challenge[:], ppptest.Packet(t, golden.msChallenge).Data[1:])
	value := ppptest.Packet(t, golden.msResponse).Data[1:]
	copy(ms.PeerChallenge[:], value)
	copy(ms.Response[:], value[24:])
	return map[string]ppp.AuthResponse{
		"MD5":            md5(golden.md5Challenge, golden.md5Response),
		"MS-v2":          ms,
		"wrong password": md5(golden.badChallenge, golden.badResponse),
	}
}

func TestVerifyGolden(t *testing.T) {
	for what, response := range goldenResponses(t) {
		message, ok := response.Verify([]byte(password))
		if want := what != "wrong password"; ok != want || response.User() != "testuser" {
			t.Errorf("%s, of %q: verified %v", what, response.User(), ok)
		}
		want := ""
		if what == "MS-v2" {
			want = "S=35F3217306E6D63E9EDB4BE0608EAB373A1B0376" // from the real server
		}
		if message != want {
			t.Errorf("%s: message %q, want %q", what, message, want)
		}
		for _, other := range []string{"", "testpasswor", "testpassword\x00", "Testpassword"} {
			if message, ok := response.Verify([]byte(other)); ok || message != "" {
				t.Errorf("%s: verified by %q, message %q", what, other, message)
			}
		}
	}
}

// A peer that responds with an empty secret must not be accepted where AAA has no
// secret for it.
func TestEmptySecretNeverVerifies(t *testing.T) {
	challenge := make([]byte, 16)
	response := chap.MD5Response{ID: 1, Challenge: challenge, Response: chap.MD5Hash(1, nil, challenge)}
	for _, secret := range [][]byte{nil, {}} {
		if _, ok := response.Verify(secret); ok {
			t.Errorf("verified by the empty secret %#v", secret)
		}
	}
	for _, response := range [][]byte{nil, {}, response.Response[:15]} {
		short := chap.MD5Response{ID: 1, Challenge: challenge, Response: response}
		if _, ok := short.Verify([]byte(password)); ok {
			t.Errorf("a response of %d octets verified", len(response))
		}
	}
}

// A response holds copies, as the receive buffer is reused.
func TestResponseDoesNotAliasTheBuffer(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		var q ppp.Queue
		a, challenge := startAuthenticator(t, m, ppp.AuthTimers{})
		response := respond(t, m, password, challenge)
		step := ppptest.Receive(t, a, start, response, &q)
		clear(response.Data)
		if _, ok := step.Response.Verify([]byte(password)); !ok || step.Response.User() != "testuser" {
			t.Error("the response changed with the receive buffer")
		}
	})
}

// TestShortestSecret: one octet (RFC 1994 section 2.3).
func TestShortestSecret(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		var q ppp.Queue
		a, challenge := startAuthenticator(t, m, ppp.AuthTimers{})
		step := ppptest.Receive(t, a, start, respond(t, m, "x", challenge), &q)
		if _, ok := step.Response.Verify([]byte("x")); !ok {
			t.Error("a secret of one octet does not verify")
		}
	})
}
