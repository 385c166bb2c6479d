package tun

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// TestNameTakenMeanwhile: of two programs that open the same free name at once, the second does not
// become another queue of the first one's device.
func TestNameTakenMeanwhile(t *testing.T) {
	roottest.Need(t)
	ns, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	err = ns.Do(func() error {
		first, err := OpenGSO(Config{Name: "wan0", Queues: 2})
		if err != nil {
			return err
		}
		defer first.Close()
		for _, queues := range []int{1, 2} {
			second := &GSO{}
			if err := second.open("wan0", queues, nil); !errors.Is(err, unix.EBUSY) {
				t.Errorf("%d queues: %v, want %v", queues, err, unix.EBUSY)
				second.Close()
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
