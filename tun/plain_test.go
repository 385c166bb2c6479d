package tun_test

import (
	"errors"
	"os"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/tun"
)

func TestOpen(t *testing.T) {
	roottest.Need(t)
	n, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	n.Do(func() error {
		first, err := tun.Open(tun.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		second, err := tun.Open(tun.Config{})
		if err != nil || first.Name() != "ppp0" || second.Name() != "ppp1" {
			t.Fatalf("two devices are %v and %v, %v; want ppp0 and ppp1", first, second, err)
		}
		if _, err := tun.Open(tun.Config{Name: "ppp0"}); !errors.Is(err, tun.ErrNameTaken) {
			t.Errorf("a name that is taken: %v, want ErrNameTaken", err)
		}
		for _, bad := range []string{"a/b", "ppp%d", "with space", "sixteen-letters!", ".."} {
			if _, err := tun.Open(tun.Config{Name: bad}); !errors.Is(err, tun.ErrName) {
				t.Errorf("the name %q: %v, want ErrName", bad, err)
			}
		}
		ended := make(chan error)
		go func() {
			_, err := second.Read([][]byte{make([]byte, 2000)}, make([]int, 1), 22)
			ended <- err
		}()
		second.Close()
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("a Read that waits ends with %v when the device is closed, want ErrClosed", err)
		}
		return nil
	})
}
