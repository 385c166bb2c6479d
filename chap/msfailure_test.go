package chap_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"upppoe/chap"
)

func TestParseMSFailure(t *testing.T) {
	for _, c := range []struct {
		message string
		want    chap.MSFailure
		text    string // for people
	}{
		{
			"E=691 R=1 C=0123456789ABCDEF0123456789ABCDEF V=3 M=Access denied",
			chap.MSFailure{
				Error: 691, Retry: true, Version: 3, Message: "Access denied",
				Challenge: []byte("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"),
			}, "Access denied",
		},
		{"E=648 R=0", chap.MSFailure{Error: 648}, "password expired"},
		{"E=5 R=0 M=", chap.MSFailure{Error: 5}, "E=5"},
		{"E=691 R=0 M=a M=b E=1", chap.MSFailure{Error: 691, Message: "a M=b E=1"}, "a M=b E=1"},
	} {
		got, err := chap.ParseMSFailure([]byte(c.message))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, error %v", c.message, got, err)
		}
		if got.String() != c.text {
			t.Errorf("%q: the text is %q, want %q", c.message, got, c.text)
		}
	}
	for _, bad := range []string{"", "Access denied", "E=", "E=x R=0", "E=691 C=0", "E=691 V=y", "M=E=691", "R=0 M= E=691"} {
		if f, err := chap.ParseMSFailure([]byte(bad)); !errors.Is(err, chap.ErrFailure) {
			t.Errorf("%q: %+v, error %v", bad, f, err)
		}
	}
}

func FuzzParseMSFailure(f *testing.F) {
	f.Add([]byte("E=691 R=1 C=0123456789ABCDEF0123456789ABCDEF V=3 M=Access denied"))
	f.Add([]byte("E=648 R=0 M="))
	f.Fuzz(func(t *testing.T, message []byte) {
		once, err := chap.ParseMSFailure(message)
		if err != nil {
			return
		}
		encoded := once.AppendTo(nil)
		twice, err := chap.ParseMSFailure(encoded)
		if err != nil || !bytes.Equal(encoded, twice.AppendTo(nil)) {
			t.Errorf("%q became %q, then %+v, error %v", message, encoded, twice, err)
		}
	})
}

// TestShortMSChallenge: a challenge of one octet is not omitted.
func TestShortMSChallenge(t *testing.T) {
	for _, challenge := range [][]byte{nil, {7}, {7, 8}} {
		encoded := string(chap.MSFailure{Error: 691, Challenge: challenge}.AppendTo(nil))
		if strings.Contains(encoded, " C=") != (len(challenge) > 0) {
			t.Errorf("%x is encoded as %q", challenge, encoded)
		}
	}
}

// TestMSErrors: the numbers of RFC 2759 section 6, and their neighbours.
func TestMSErrors(t *testing.T) {
	for number, want := range map[int]string{
		645: "E=645", 646: "restricted logon hours", 647: "account disabled", 648: "password expired", 649: "no dial-in permission",
		650: "E=650", 690: "E=690", 691: "authentication failure", 692: "E=692", 708: "E=708", 709: "error changing the password", 710: "E=710",
	} {
		if got := (chap.MSFailure{Error: number}).String(); got != want {
			t.Errorf("%d: %q, want %q", number, got, want)
		}
	}
}
