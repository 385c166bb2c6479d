package ipv6

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"time"

	"upppoe/internal/atomicfile"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// prefixStore records on disk which prefixes have been advertised on LANs, across crashes and
// reboots: hosts keep using them (RFC 9096 section 3.5).
type prefixStore struct {
	path  string // empty: nothing is recorded
	saved string // content of the file
}

// storedPrefix is a prefix in the file.
type storedPrefix struct {
	Interface string       `json:"interface"`
	Prefix    netip.Prefix `json:"prefix"`
	// Until is how long hosts may use a stale prefix. A current prefix has none: the limits of
	// advertised lifetimes suffice.
	Until time.Time `json:"until,omitzero"`
}

// maxStoreSize bounds what is read, in octets. LANs have few prefixes each.
const maxStoreSize = 1 << 16

// load returns the stale prefixes by LAN. Their lifetimes are limited, as a clock may have been
// wrong.
func (s *prefixStore) load(now time.Time) (map[string][]radv.AdvertisedPrefix, error) {
	if s.path == "" {
		return nil, nil
	}
	f, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxStoreSize))
	if err != nil {
		return nil, err
	}
	var list []storedPrefix
	if err := json.Unmarshal(text, &list); err != nil {
		s.saved = "?" // so that save replaces or removes it
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	s.saved = string(text)
	stale := map[string][]radv.AdvertisedPrefix{}
	for _, a := range list {
		until := now.Add(radv.ValidLimit)
		if !a.Until.IsZero() {
			until = lifetime.Earliest(a.Until, until)
		}
		n := radv.AdvertisedPrefix{Prefix: a.Prefix, Lifetime: lifetime.Lifetime{Preferred: now, Valid: until}}
		if !n.Expired(now) {
			stale[a.Interface] = append(stale[a.Interface], n)
		}
	}
	return stale, nil
}

// save records what is advertised now. Changes of lifetimes alone are not written.
func (s *prefixStore) save(now time.Time, lans []*lan) error {
	if s.path == "" {
		return nil
	}
	var list []storedPrefix
	for _, l := range lans {
		if l.advertiser == nil {
			continue
		}
		for _, n := range l.advertiser.Prefixes() {
			list = append(list, storedPrefix{Interface: l.name, Prefix: n.Prefix})
		}
		for _, n := range l.advertiser.StalePrefixes(now) {
			list = append(list, storedPrefix{l.name, n.Prefix, n.Valid.UTC().Truncate(time.Second)})
		}
	}
	if len(list) == 0 {
		if s.saved == "" {
			return nil
		}
		s.saved = ""
		return os.Remove(s.path)
	}
	text, err := json.Marshal(list)
	if err != nil || string(text)+"\n" == s.saved {
		return err
	}
	s.saved = string(text) + "\n"
	return atomicfile.Write(s.path, s.saved, 0o600)
}

// AdvertiseStale advertises on LANs, while there is no session, that prefixes of an earlier session
// are stale, for as long as hosts may still use them: one advertisement may be lost, and a crash
// sends none (RFC 9096 section 3.5). It returns nil when its context ends or no prefix is stale any
// more. Run does the same, and must not run at the same time.
//
// It must be called on a thread of the LANs' network namespace.
func AdvertiseStale(ctx context.Context, cfg Config) error {
	debug := func(what string, err error) {
		if err != nil {
			cfg.Log.Debug(fmt.Sprintf("%s: %v", what, err))
		}
	}
	m := newEndpoint(nil)
	n := newLANRouter(time.Now(), &cfg, m, netif.NewRand(), debug)
	if ctx.Err() != nil || !n.hasStale(time.Now()) {
		return n.store.save(time.Now(), n.lans)
	}
	k, err := netif.Open()
	if err != nil {
		return fmt.Errorf("router advertisements on LANs: %w", err)
	}
	m.Endpoint = netif.NewEndpoint(k)
	defer m.Close()
	if err := m.Watch(); err != nil {
		return fmt.Errorf("router advertisements on LANs: %w", err)
	}
	n.advertiseStale(ctx, m.Inputs)
	return nil
}

func (n *lanRouter) advertiseStale(ctx context.Context, in netif.Inputs) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	in.Run(ctx, staleRouter{n, end}) // without a device there is no socket that could fail
	if now := time.Now(); !n.hasStale(now) {
		n.debug("forget the prefixes that were advertised", n.store.save(now, n.lans))
	}
}

// staleRouter is the handler of a lanRouter while there is no session.
type staleRouter struct {
	*lanRouter
	end func() // called when no prefix is stale any more
}

func (r staleRouter) Step(now time.Time) (next time.Time) {
	if !r.hasStale(now) {
		r.end()
		return time.Time{}
	}
	r.update(now, &State{})
	return r.next()
}

func (r staleRouter) ReceivePacket(now time.Time, p netif.Packet) { r.handleSolicitation(now, p) }

func (staleRouter) ReceiveDatagram(time.Time, netif.Datagram) {}

func (r staleRouter) Changed(now time.Time) { r.restartReplaced(now) }
