package datapath

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/tun/tuntest"
)

// TestConcurrentSessions: sessions are added and removed by several goroutines at once, with an
// Offload and without. The race detector checks it.
func TestConcurrentSessions(t *testing.T) {
	for _, kind := range []Kind{KindPlain, KindGSO} {
		for _, offloaded := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				offload := newFakeOffload()
				offload.takes = time.Millisecond
				p := Path(New(kind, []Port{&sink{}}, func([]byte) {}, func(c SessionConfig) { t.Errorf("device of session %d is lost", c.SessionID) }))
				if offloaded {
					p = NewOffloaded(p, offload, func(SessionConfig, error) {})
				}
				var running sync.WaitGroup
				for i := range uint16(16) {
					running.Go(func() {
						for round := range 8 {
							device := tuntest.New("ppp0")
							s, err := p.Add(SessionConfig{Key: Key{SessionID: i + 1}, Device: device})
							if err != nil {
								t.Errorf("%v, session %d: %v", kind, i+1, err)
								return
							}
							s.SetFamilies(true, true)
							time.Sleep(time.Duration(round*int(i)) * 5 * time.Millisecond)
							s.Remove()
							select {
							case <-device.Closed():
							default:
								t.Errorf("%v, session %d: Remove leaves the device open", kind, i+1)
							}
						}
					})
				}
				running.Wait()
				time.Sleep(time.Minute)
				if n := offload.count(); n != 0 {
					t.Errorf("%v: %d sessions are left in the Offload", kind, n)
				}
			})
		}
	}
}
