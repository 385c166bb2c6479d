package accounts

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/pppoe"
)

func TestJudge(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Duration(len(text)) * time.Second)
		os.Chtimes(path, later, later)
	}
	pool := pppoe.Pool{First: netip.MustParseAddr("192.0.2.10")}
	a := New(dir, "ac", pool, slog.New(slog.NewTextHandler(io.Discard, nil)))
	judge := func(p ppp.Proof) ppp.Decision {
		return a.Judge(context.Background(), pppoe.Line{SessionID: 3}, p)
	}
	login := func(name, password string) ppp.Proof {
		return pap.Proof{Name: name, Password: pap.Password(password)}
	}
	if judge(login("alice", "")).Granted || judge(login("alice", "one")).Granted {
		t.Error("without a file somebody comes in")
	}
	write("pap-secrets", "alice ac one *\nbob ac two 192.0.2.99\ncarol ac three\nevil other four *\n")
	for _, c := range []struct {
		name, password string
		want           string // the address; empty: refused
	}{
		{"alice", "one", "192.0.2.12"}, {"alice", "two", ""}, {"alice", "", ""},
		{"bob", "two", "192.0.2.99"},
		{"carol", "three", ""}, // no address allowed
		{"evil", "four", ""},   // of another server
		{"nobody", "", ""},
	} {
		d := judge(login(c.name, c.password))
		if d.Granted != (c.want != "") || d.Granted && d.Address.String() != c.want {
			t.Errorf("%s: granted %v, address %v; want %q", c.name, d.Granted, d.Address, c.want)
		}
	}
	response := chap.MD5Proof{ID: 1, Challenge: []byte("c"), Name: "alice"}
	hash := chap.MD5Hash(1, []byte("one"), []byte("c"))
	response.Response = hash[:]
	if judge(response).Granted {
		t.Error("an account of pap-secrets is good for CHAP")
	}
	write("chap-secrets", "alice ac one *\n")
	if !judge(response).Granted {
		t.Error("an account of chap-secrets is not good for CHAP")
	}
	write("chap-secrets", "alice ac changed *\n")
	if judge(response).Granted {
		t.Error("a file that has changed is not read again")
	}
}
