package life

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"upppoe/test/lab"
)

// TestUnderLoad: the kernel devices for segmentation are created under load, by a client that keeps
// network capabilities only, and are removed with it.
func TestUnderLoad(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	client := w.dial(t, "datapath", "kernel")
	w.awaitOnline(t)
	if before := w.links(t); len(before) != 1 || !before["ppp0"] {
		t.Errorf("without load there are %v", before)
	}
	stop := stream(t, w.client, w.server, ip("192.0.2.1"))
	check(t, client.Await("which segment them in the kernel"))
	stop()
	if under := w.links(t); !under["ppp0"] || len(under) != 3 {
		t.Errorf("under load there are %v", under)
	}
	if _, err := w.client.Ping(ip("192.0.2.1"), 1, timeout); err != nil {
		t.Error(err)
	}
	if r := w.run(t, "pppoe-client", "stop"); r.code != 0 {
		t.Errorf("stop: %+v", r)
	}
	wantExit(t, client, 5)
	w.leftNothing(t)
}

// TestServerUnderLoad is TestUnderLoad for the other end.
func TestServerUnderLoad(t *testing.T) {
	w := newTestbed(t)
	w.serverOptions(t, "require-chap\ndatapath kernel\n")
	server := w.serve(t)
	w.dial(t)
	w.awaitOnline(t)
	stop := stream(t, w.server, w.client, ip("192.0.2.10"))
	check(t, server.Await("which segment them in the kernel"))
	stop()
	if under := linksOf(t, w.server); !under["ppp0"] || len(under) != 3 {
		t.Errorf("under load there are %v", under)
	}
	if code, err := server.Stop(); err != nil || code != 0 {
		t.Errorf("it ended with %d: %v", code, err)
	}
	await(t, "no device is left", func() bool { return len(linksOf(t, w.server)) == 0 })
}

// stream sends octets from one namespace to an address in another until it is stopped.
func stream(t testing.TB, from, to *lab.Namespace, at netip.Addr) (stop func()) {
	t.Helper()
	var listener net.Listener
	check(t, to.Do(func() (err error) {
		listener, err = net.Listen("tcp", netip.AddrPortFrom(at, 0).String())
		return err
	}))
	received := make(chan struct{})
	go func() {
		defer close(received)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for buf := make([]byte, 1<<16); ; {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
	}()
	var conn net.Conn
	check(t, from.Do(func() (err error) {
		conn, err = net.DialTimeout("tcp", listener.Addr().String(), 10*time.Second)
		return err
	}))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for buf := make([]byte, 100_001); ; {
			if _, err := conn.Write(buf); err != nil {
				return
			}
		}
	}()
	return func() {
		conn.Close()
		<-sent
		listener.Close()
		<-received
	}
}
