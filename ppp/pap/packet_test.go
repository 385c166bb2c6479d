package pap_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/ppp/ppptest"
)

// Packets of a real pppd, from a captured session.
const (
	goldenRequest = "0101001a0874657374757365720c7465737470617373776f7264"
	goldenAck     = "0201000d084c6f67696e206f6b"
)

const password = "testpassword"

func TestParseRequest(t *testing.T) {
	data := ppptest.Packet(t, goldenRequest).Data
	r, err := pap.ParseRequest(data)
	if err != nil || string(r.Name) != "testuser" || string(r.Password) != password {
		t.Fatalf("name %q, error %v", r.Name, err)
	}
	if again := r.AppendTo(nil); !bytes.Equal(again, data) {
		t.Errorf("appended again: %x", again)
	}
	for n := range data {
		if _, err := pap.ParseRequest(data[:n]); !errors.Is(err, pap.ErrRequest) {
			t.Errorf("its first %d octets: %v", n, err)
		}
	}
}

func TestParseRequestBounds(t *testing.T) {
	for _, c := range []struct {
		what           string
		data           []byte
		name, password string
		err            error
	}{
		{"both empty", []byte{0, 0}, "", "", nil},
		{"octets after the password", []byte("\x01a\x01b??"), "a", "b", nil},
		{"name beyond the end", []byte{2, 'a'}, "", "", pap.ErrRequest},
		{"password beyond the end", []byte("\x01a\x02b"), "", "", pap.ErrRequest},
		{"lengths of 255", []byte{255, 255}, "", "", pap.ErrRequest},
	} {
		r, err := pap.ParseRequest(c.data)
		if !errors.Is(err, c.err) || string(r.Name) != c.name || string(r.Password) != c.password {
			t.Errorf("%s: name %q, password %q, error %v", c.what, r.Name, []byte(r.Password), err)
		}
	}
}

func TestParseMessage(t *testing.T) {
	data := ppptest.Packet(t, goldenAck).Data
	message, err := pap.ParseMessage(data)
	if err != nil || string(message) != "Login ok" {
		t.Errorf("message %q, error %v", message, err)
	}
	if again := pap.AppendMessage(nil, string(message)); !bytes.Equal(again, data) {
		t.Errorf("appended again: %x", again)
	}
	for n := range data {
		if _, err := pap.ParseMessage(data[:n]); !errors.Is(err, pap.ErrMessage) {
			t.Errorf("its first %d octets: %v", n, err)
		}
	}
	long := strings.Repeat("x", 300)
	if message, err := pap.ParseMessage(pap.AppendMessage(nil, long)); err != nil || string(message) != long[:255] {
		t.Errorf("300 octets became %d, error %v", len(message), err)
	}
}

// Nothing that prints, logs or encodes may show a password.
func TestPasswordIsHidden(t *testing.T) {
	const secret = "hunter2"
	credential := pap.Credential{Name: "testuser", Password: pap.Password(secret)}
	request := pap.Request{Name: []byte("testuser"), Password: pap.Password(secret)}
	step := ppp.Step{Response: credential}

	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%c", "%U", "%08b", "%T"} {
		for _, what := range []any{credential, &credential, request, &request, step, credential.Password, &credential.Password} {
			fmt.Fprintf(&shown, verb+"\n", what)
		}
	}
	fmt.Fprintln(&shown, credential, credential.Password.String(), credential.Password.GoString())
	encoded, err := json.Marshal(credential)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "credential", credential, "password", credential.Password)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "credential", credential, "password", credential.Password)

	text := strings.ToLower(shown.String())
	for _, form := range []string{secret, "68756e74", "104 117", "ahvudgvy", "0x68, 0x75", "150 165", "u+0068", "01101000", "h u n"} {
		if strings.Contains(text, form) {
			t.Errorf("the password is shown, as %q", form)
		}
	}
	if !strings.Contains(text, "<hidden>") {
		t.Error("nothing stands for the password")
	}
}

func TestVerify(t *testing.T) {
	credential := pap.Credential{Name: "testuser", Password: pap.Password(password)}
	if message, ok := credential.Verify([]byte(password)); !ok || message != "" || credential.User() != "testuser" {
		t.Errorf("%q: verified %v, message %q", credential.User(), ok, message)
	}
	for _, other := range []string{"", "testpasswor", "testpassword\x00", "Testpassword"} {
		if _, ok := credential.Verify([]byte(other)); ok {
			t.Errorf("verified by %q", other)
		}
	}
	if _, ok := (pap.Credential{}).Verify(nil); ok {
		t.Error("an empty password passes where there is no secret")
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(ppptest.Packet(f, goldenRequest).Data)
	f.Add([]byte{0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := pap.ParseRequest(data)
		if err != nil {
			return
		}
		if again := r.AppendTo(nil); !bytes.HasPrefix(data, again) {
			t.Errorf("%x, appended again: %x", data, again)
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	f.Add(ppptest.Packet(f, goldenAck).Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		message, err := pap.ParseMessage(data)
		if err != nil {
			return
		}
		if again := pap.AppendMessage(nil, string(message)); !bytes.HasPrefix(data, again) {
			t.Errorf("%x, appended again: %x", data, again)
		}
	})
}
