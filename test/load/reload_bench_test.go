package main

import (
	"context"
	"testing"
	"time"

	"upppoe/internal/load"
	"upppoe/internal/roottest"
	"upppoe/pppoe"
)

// BenchmarkReload replaces the configuration of a server that has 20,000 sessions. It reports the longest
// time that a request to the server's loop took, with and without.
//
//	go test ./test/load -run '^$' -bench Reload -benchtime 100x
func BenchmarkReload(b *testing.B) {
	roottest.Need(b)
	o, err := parseOptions([]string{"--self", "-n", "20000", "--hold", "10m"})
	if err != nil {
		b.Fatal(err)
	}
	clients, server, cfg, stop := serveWithoutDevices(b)
	defer stop()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	var g *load.Generator
	err = clients.Do(func() error {
		ports, err := o.OpenPorts(clientEnd)
		if err == nil {
			g, err = load.New(&o.Config, ports)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { _, err := g.Run(ctx); ran <- err }()
	for server.Stats().Online < o.Sessions {
		time.Sleep(100 * time.Millisecond)
	}
	var key pppoe.SessionKey
	for s := range server.Sessions() {
		key = s.Key()
		break
	}
	without := longestCall(b, server, key, func() { time.Sleep(time.Millisecond) })
	b.ResetTimer()
	with := longestCall(b, server, key, func() {
		if err := server.Reconfigure(cfg); err != nil {
			b.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	})
	b.StopTimer()
	b.ReportMetric(with.Seconds()*1e3, "ms-longest-with")
	b.ReportMetric(without.Seconds()*1e3, "ms-longest-without")
	if n := server.Stats().Online; n != o.Sessions {
		b.Fatalf("%d sessions are left", n)
	}
	end()
	<-ran
}

// longestCall calls do b.N times, and returns the longest time that a request to the loop took meanwhile.
func longestCall(b *testing.B, server *pppoe.Server, key pppoe.SessionKey, do func()) (longest time.Duration) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			default:
			}
			begin := time.Now()
			if _, err := server.Session(key); err != nil {
				b.Error(err)
				return
			}
			longest = max(longest, time.Since(begin))
		}
	}()
	for range b.N {
		do()
	}
	close(done)
	<-ended
	return longest
}
