package limit

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"upppoe/internal/random"
	"upppoe/pppoe/wire"
)

// Rates limits how many packets of one kind are handled in a second. Its memory does not depend on
// how many clients there are: see table and recent.
//
// A flood with many forged addresses looks like many clients. What tells them from real ones is
// that they do not return: a quarter of each shared rate, and all of it while the packets are
// handled more slowly than they arrive, is for clients that were refused a few seconds ago and
// repeat their packet, and for those that are known from a session. The others have a quarter of
// each shared rate for themselves: a real client gets in with its first or second packet.
type Rates struct {
	what    Quantity
	limits  [scopes]int
	hash    cipher.Block // no station can choose addresses with the same hash, as none has the key
	start   time.Time    // of the first packet
	clients table
	refused recent
	known   recent

	vlans      table
	interfaces []shared
	total      shared
	block      [aes.BlockSize]byte // scratch
}

// NewRates makes the limits of PADIs or PADRs for a number of interfaces. Random numbers come from
// rand, which must not fail; nil: crypto/rand.
func NewRates(what Quantity, limits Limits, interfaces int, rand io.Reader) *Rates {
	key, err := aes.NewCipher(random.Fill(rand, make([]byte, aes.BlockSize)))
	if err != nil {
		panic(err) // the length of the key is right
	}
	r := &Rates{
		what: what, hash: key, interfaces: make([]shared, interfaces),
		refused: recent{generation: refusedClients, lifetime: int64(refusedTime)},
		known:   recent{generation: knownClients, lifetime: int64(knownTime)},
	}
	r.SetLimits(limits)
	return r
}

// SetLimits replaces the limits.
func (r *Rates) SetLimits(l Limits) { r.limits = l.effective(r.what) }

// ErrBusy is the reason for dropping packets that arrive faster than they are handled.
var ErrBusy = errors.New("limit: too many packets of new clients to handle them all")

const (
	// refusedClients are 100,000 in a second for 5 s, after which clients repeat a PADI.
	refusedClients = 1 << 19
	refusedTime    = 30 * time.Second
	// knownClients are twice those that an interface can have.
	knownClients = 1 << 17
	knownTime    = 24 * time.Hour
)

// Remember records that a client is known: forged addresses must not become known. It is called
// with the client of a PADR with a valid AC-Cookie, which has received a PADO.
func (r *Rates) Remember(now time.Time, o Origin) { r.known.add(r.since(now), r.sum(o)) }

// since returns the time since the first packet.
func (r *Rates) since(now time.Time) int64 {
	if r.start.IsZero() {
		r.start = now
	}
	return int64(now.Sub(r.start))
}

// Allow reports whether a packet may be handled; the error, of type Exceeded or ErrBusy, is the
// reason for dropping it. busy: packets are handled more slowly than they arrive, so that only those
// of clients that repeat one or are known are allowed.
func (r *Rates) Allow(now time.Time, o Origin, busy bool) error {
	at, hash := r.since(now), r.sum(o)
	client := &r.clients.bucket(hash[0]).all
	if !client.conforms(at, r.limits[PerClient]) {
		return Exceeded{r.what, PerClient}
	}
	c := unknown
	if r.refused.has(at, hash) || r.known.has(at, hash) {
		c = preferred
	}
	if busy && c == unknown {
		r.refused.add(at, hash)
		return ErrBusy
	}
	buckets := r.shared(o)
	for s, b := range buckets {
		if b != nil && !b.conforms(at, r.limits[s], c) {
			r.refused.add(at, hash)
			return Exceeded{r.what, Scope(s)}
		}
	}
	client.take(at, r.limits[PerClient])
	for s, b := range buckets {
		if b != nil {
			b.take(at, r.limits[s], c)
		}
	}
	return nil
}

// shared returns the buckets that a client shares with others, by scope.
func (r *Rates) shared(o Origin) [scopes]*shared {
	all := [scopes]*shared{Total: &r.total}
	if int(o.Interface) < len(r.interfaces) {
		all[PerInterface] = &r.interfaces[o.Interface]
	}
	if r.limits[PerVLAN] > 0 {
		o.Client = wire.Addr{}
		all[PerVLAN] = r.vlans.bucket(r.sum(o)[0])
	}
	return all
}

// sum returns the hash of an origin, which differs from that of each other one.
func (r *Rates) sum(o Origin) [2]uint64 {
	b := binary.BigEndian.AppendUint16(r.block[:0], o.Interface)
	for _, t := range o.VLAN {
		b = binary.BigEndian.AppendUint16(b, t.TPID)
		b = binary.BigEndian.AppendUint16(b, t.VID)
	}
	b = append(b, o.Client[:]...)
	r.hash.Encrypt(b, b)
	return [2]uint64{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}
