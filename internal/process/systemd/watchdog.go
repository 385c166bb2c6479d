package systemd

import (
	"context"
	"os"
	"strconv"
	"time"
)

// WatchdogInterval returns how often Watchdog notifies the manager: twice in the time after which the unit's
// WatchdogSec= ends the service; 0: there is no watchdog.
func WatchdogInterval() time.Duration {
	usec, err := strconv.ParseUint(os.Getenv("WATCHDOG_USEC"), 10, 62)
	if err != nil || usec == 0 || !IsManager() {
		return 0
	}
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return min(time.Duration(usec), maxWatchdog) * time.Microsecond / 2
}

// maxWatchdog is the longest time of a watchdog, in microseconds: longer ones are shortened.
const maxWatchdog = 24 * 3600 * 1e6

// Watchdog notifies the manager at each interval that the service is alive, if it is: alive may block, and
// then the manager ends the service. It returns when the context ends.
func Watchdog(ctx context.Context, interval time.Duration, alive func() bool) {
	for tick := time.NewTicker(interval); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			if alive() {
				Notify("WATCHDOG=1") // if it fails the manager ends the service
			}
		}
	}
}
