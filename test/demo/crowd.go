package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"upppoe/internal/load"
)

// crowd is many clients, which one process plays.
type crowd struct {
	stop  context.CancelFunc
	ended chan error
	once  sync.Once
}

// crowdConfig returns what the clients do: they hang up and dial again, and send packets.
func crowdConfig(n int) (*load.Config, error) {
	c := &load.Config{}
	c.AddFlags(pflag.NewFlagSet("", pflag.ContinueOnError))
	c.Interface, c.Sessions, c.Rate, c.VLANs = "eth0", n, 100, crowdVLANs
	c.User, c.Password, c.CircuitID = "user%d@example.net", "crowd", "olt3 xpon 0/1/0/7:%d"
	c.Hold, c.Churn, c.Echo = 24*time.Hour, "0.5%", 2*time.Second
	c.Traffic = fmt.Sprintf("%d,600", 5*n)
	return c, c.Check()
}

// dialCrowd dials with the clients, and returns when all sessions are open.
func (s *demo) dialCrowd() error {
	c, err := crowdConfig(s.options.clients)
	if err != nil {
		return err
	}
	var ports load.Ports
	if err := s.client.Do(func() (err error) { ports, err = c.OpenPorts(c.Interface); return err }); err != nil {
		return err
	}
	g, err := load.New(c, ports)
	if err != nil {
		ports.Close()
		return err
	}
	open := make(chan struct{})
	g.OnStage = func(stage load.Stage) {
		if stage == load.Holding {
			close(open)
		}
	}
	s.setQuiet(true)
	ctx, stop := context.WithCancel(context.Background())
	s.crowd = &crowd{stop: stop, ended: make(chan error, 1)}
	began := time.Now()
	// Ends with hangUp.
	go func() {
		_, err := g.Run(ctx)
		s.crowd.ended <- err
	}()
	select {
	case <-open:
		fmt.Printf("   %d sessions are open after %.1f s\n", s.options.clients, time.Since(began).Seconds())
		return nil
	case err := <-s.crowd.ended:
		s.crowd.ended <- err
		return errors.Join(errors.New("the clients have ended"), err)
	case <-time.After(crowdTimeout):
		return fmt.Errorf("not all clients were online within %v", crowdTimeout)
	}
}

func (s *demo) setQuiet(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet = on
}

const crowdTimeout = 2 * time.Minute

// hangUp ends all sessions.
func (c *crowd) hangUp() {
	c.once.Do(func() {
		c.stop()
		<-c.ended
	})
}
