package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// pppd runs Linux's own PPPoE, without discovery. The first end is ready when it waits for the
// second; the second when a ping is answered.
func pppd(args []string) error {
	second, own, peer, remote := args[0] == "second", args[1], args[2], args[3]
	ctx := untilTerm()
	cmd := exec.CommandContext(ctx, "pppd", "plugin", "rp-pppoe.so", "rp_pppoe_sess", "1:"+remote, "eth0",
		own+":"+peer, "mtu", "1492", "mru", "1492", "noauth", "noccp", "noipv6", "nodetach", "lcp-max-configure", "100")
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.Stderr, cmd.Stdout = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	if second {
		if err := awaitPing(ctx, peer); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	err := cmd.Wait()
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return fmt.Errorf("pppd ended: %w", err)
}

// awaitPing waits until the other end answers.
func awaitPing(ctx context.Context, peer string) (err error) {
	for range 300 {
		if err = exec.CommandContext(ctx, "ping", "-c", "1", "-W", "1", peer).Run(); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("ping %s: %w", peer, err)
}
