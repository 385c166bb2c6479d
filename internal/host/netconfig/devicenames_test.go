package netconfig

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/tun"
)

// TestDeviceNames: a device gets the lowest number that is free. One that another interface has is
// tried again only after a while.
func TestDeviceNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n deviceNames
		foreign, tried := []string{"ppp1", "ppp2"}, 0
		open := func(want int) {
			t.Helper()
			got, err := n.open(func(name string) error {
				tried++
				if slices.Contains(foreign, name) {
					return fmt.Errorf("%s: %w", name, tun.ErrNameTaken)
				}
				return nil
			})
			if got != want || err != nil {
				t.Errorf("number %d, %v, want %d", got, err, want)
			}
		}
		for _, want := range []int{0, 3, 4} {
			open(want)
		}
		if tried != 5 {
			t.Errorf("%d names were tried, want 5", tried)
		}
		n.release(4)
		n.release(0)
		open(0)
		foreign = nil
		open(4)
		time.Sleep(foreignPeriod + 1)
		open(1)
		open(2)
		open(5)
	})
}

// TestDeviceNamesFail: after another error the number is free again, and after too many names of
// others the kernel chooses.
func TestDeviceNamesFail(t *testing.T) {
	var n deviceNames
	broken := errors.New("broken")
	if number, err := n.open(func(string) error { return broken }); number != -1 || err != broken {
		t.Errorf("number %d, %v", number, err)
	}
	var last string
	number, err := n.open(func(name string) error {
		if last = name; name != "" {
			return tun.ErrNameTaken
		}
		return nil
	})
	if number != -1 || err != nil || last != "" {
		t.Errorf("number %d, %v, last name %q", number, err, last)
	}
	if number := n.take(time.Now()); number != maxForeignNames {
		t.Errorf("then number %d, want %d", number, maxForeignNames)
	}
}
