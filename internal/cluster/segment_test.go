package cluster

import (
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// TestMessage: a message is read, with padding too, if it is of a machine of the cluster.
func TestMessage(t *testing.T) {
	secret, machines := []byte("secret"), []string{"a", "b"}
	sent := message{question, "b", [16]byte{1, 2, 3}}
	b := sent.appendTo(nil, secret)
	for _, padding := range []int{0, 100} {
		if got, err := parseMessage(append(b, make([]byte, padding)...), secret, machines); err != nil || got != sent {
			t.Errorf("%v, %v", got, err)
		}
	}
	for n := range b {
		if _, err := parseMessage(b[:n], secret, machines); err == nil {
			t.Errorf("%d of %d octets are a message", n, len(b))
		}
		changed := append([]byte(nil), b...)
		changed[n] ^= 1
		if _, err := parseMessage(changed, secret, machines); err == nil {
			t.Errorf("octet %d may be another", n)
		}
	}
	if _, err := parseMessage(b, []byte("other"), machines); err == nil {
		t.Error("the secret may be another")
	}
	if _, err := parseMessage(b, secret, []string{"a"}); err == nil {
		t.Error("the sender may be no machine of the cluster")
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(message{answer, "a", [16]byte{9}}.appendTo(nil, []byte("s")))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMessage(b, []byte("s"), []string{"a", "bb"})
		if err == nil && string(m.appendTo(nil, []byte("s"))) != string(b[:len(m.appendTo(nil, []byte("s")))]) {
			t.Errorf("%v", m)
		}
	})
}

// TestEthernet: messages reach the other end, also after the interface was gone.
func TestEthernet(t *testing.T) {
	roottest.Need(t)
	left, right := labtest.Namespace(t), labtest.Namespace(t)
	connect := func() {
		if err := lab.Veth(lab.End{In: left, Name: "eth0"}, lab.End{In: right, Name: "eth0"}); err != nil {
			t.Fatal(err)
		}
	}
	connect()
	open := func(in *lab.Namespace) (e *Ethernet) {
		err := in.Do(func() (err error) { e, err = OpenEthernet("eth0"); return err })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		return e
	}
	a, b := open(left), open(right)
	pass := func(text string) {
		t.Helper()
		if err := left.Do(func() error { return a.Send([]byte(text)) }); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		n := 0
		err := right.Do(func() (err error) { n, err = b.Receive(buffer); return err })
		if err != nil || n < len(text) || string(buffer[:len(text)]) != text {
			t.Errorf("received %q, %v", buffer[:n], err)
		}
	}
	pass("first")
	if out, err := left.Run("ip", "link", "delete", "eth0"); err != nil {
		t.Fatal(err, out)
	}
	for _, e := range []*Ethernet{a, b} {
		if err := e.Send(nil); err == nil {
			t.Error("an interface that is gone sends")
		}
		if _, err := e.Receive(make([]byte, 10)); err == nil {
			t.Error("an interface that is gone receives")
		}
	}
	connect()
	right.Do(func() error { _, err := b.open(); return err })
	pass("again")
}
