package netconfig

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"

	"upppoe/internal/atomicfile"
	"upppoe/internal/host/undolog"
)

// Replaced routes are recorded in a file, so that they can be restored after a crash. Its first
// line is the boot ID, as interface indexes do not outlast a boot; each other one is an
// interface's name and a route.

const maxRouteUndo = 1 << 20 // octets

// writeRouteUndo records routes.
func writeRouteUndo(path string, routes []*kernelRoute) error {
	boot, err := undolog.BootID()
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintln(&text, boot)
	for _, r := range routes {
		fmt.Fprintf(&text, "%s %x\n", interfaceName(r.device), r.message)
	}
	return atomicfile.Write(path, text.String(), 0o600)
}

// readRouteUndo reads recorded routes, without those whose interface has changed.
func readRouteUndo(path string) (routes []*kernelRoute, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	boot, err := undolog.BootID()
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxRouteUndo)
	if !lines.Scan() || lines.Text() != boot {
		return nil, lines.Err()
	}
	for lines.Scan() {
		name, digits, _ := strings.Cut(lines.Text(), " ")
		message, err := hex.DecodeString(digits)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r, err := parseRoute(message)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if interfaceName(r.device) == name {
			routes = append(routes, r)
		}
	}
	return routes, lines.Err()
}

// interfaceName returns an interface's name; "-": there is none.
func interfaceName(index int) string {
	if link, err := netlink.LinkByIndex(index); err == nil {
		return link.Attrs().Name
	}
	return "-"
}

// restoreRoutesAfterCrash restores the routes that a program has replaced which was killed. A
// default route that was added since then is left alone.
func (h *Configurer) restoreRoutesAfterCrash() error {
	old, err := readRouteUndo(h.RouteUndoFile)
	if err != nil {
		return err
	}
	if len(old) > 0 {
		now, err := kernelRoutes(netlink.FAMILY_V4, func(r *kernelRoute) bool { return isDefault(r, old[0].table) })
		if err != nil {
			return err
		}
		// Routes that were not replaced have a greater metric than all that were.
		worst := old[len(old)-1].metric
		if !slices.ContainsFunc(now, func(r *kernelRoute) bool { return r.metric <= worst }) {
			h.Log.Info(fmt.Sprintf("restoring the default route %v, which a session that was killed has replaced", old[0]))
			if err := addRoutes(old); err != nil {
				return err
			}
		}
	}
	return undolog.Remove(h.RouteUndoFile)
}
