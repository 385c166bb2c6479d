package metrics

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"

	"upppoe/internal/process/passfd"
)

// Config configures a Server.
type Config struct {
	// Listen is the TCP address, like 127.0.0.1:9812, [::1]:9812, or :9812, which is the loopback
	// interface of IPv4. Anybody who reaches the address can
	// read the names of subscribers.
	Listen string
	// Profiles serves the profiles of package net/http/pprof under /debug/pprof/. Listen must be a
	// loopback address then.
	Profiles bool
	// Inherited is the listener of another program (see Server.Listener) on the same address, which
	// belongs to the Server then. Nil, or of another address: a socket is opened.
	Inherited *os.File
}

// Addr returns the address to listen on. Its error says what is expected.
func (c Config) Addr() (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err == nil && host == "" {
		host = "127.0.0.1"
	}
	addr, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	switch {
	case err != nil:
		return addr, fmt.Errorf("%q: give an address and a port, like 127.0.0.1:9812", c.Listen)
	case c.Profiles && !addr.Addr().IsLoopback():
		return addr, fmt.Errorf("%q: profiles are served on a loopback address only, like 127.0.0.1:9812", c.Listen)
	}
	return addr, nil
}

// Limits of the HTTP server: a client that never reads or never asks is disconnected.
const (
	requestTimeout  = 10 * time.Second
	responseTimeout = 30 * time.Second
	maxHeader       = 16 << 10
	// maxConnections bounds the file descriptors, which sessions need: more connections wait.
	maxConnections = 64
	// maxScrapes bounds the responses in progress: more are answered with 503.
	maxScrapes = 4
)

// Server serves the metrics over HTTP: those of all sessions under /metrics, and those of single
// sessions under /metrics/sessions.
type Server struct {
	http http.Server
	on   net.Listener
}

// Listen begins to serve. More are further collectors for /metrics.
func Listen(c Config, source Source, more ...prometheus.Collector) (*Server, error) {
	addr, err := c.Addr()
	if err != nil {
		return nil, err
	}
	on, err := passfd.Listen(c.Inherited, addr)
	if err != nil {
		return nil, err
	}
	s := &Server{on: on, http: http.Server{
		Handler:           handler(c, source, more...),
		ReadHeaderTimeout: requestTimeout, ReadTimeout: requestTimeout, WriteTimeout: responseTimeout, MaxHeaderBytes: maxHeader,
	}}
	// Ends with Close.
	go s.http.Serve(netutil.LimitListener(on, maxConnections))
	return s, nil
}

// Listener returns another descriptor of the socket, for Config.Inherited of a successor.
func (s *Server) Listener() (*os.File, error) {
	l, ok := s.on.(*net.TCPListener)
	if !ok {
		return nil, os.ErrInvalid
	}
	return passfd.Duplicate(l, "metrics")
}

// Addr returns the address on which the server listens.
func (s *Server) Addr() net.Addr { return s.on.Addr() }

// Close stops the server. Responses in progress are cut off.
func (s *Server) Close() error {
	if err := s.http.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// handler returns what answers requests.
func handler(c Config, source Source, more ...prometheus.Collector) http.Handler {
	all := prometheus.NewPedanticRegistry()
	all.MustRegister(NewCollector(source), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	all.MustRegister(more...)
	options := promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, Timeout: responseTimeout}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(all, options))
	sessions := make(chan struct{}, 1) // one at a time
	mux.HandleFunc("GET /metrics/sessions", func(w http.ResponseWriter, r *http.Request) {
		select {
		case sessions <- struct{}{}:
			defer func() { <-sessions }()
			serveSessions(w, r, source)
		default:
			http.Error(w, "another request for the sessions is in progress", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /{$}", serveIndex)
	if c.Profiles {
		mux.HandleFunc("GET /debug/pprof/", local(pprof.Index))
		mux.HandleFunc("GET /debug/pprof/profile", local(pprof.Profile))
		mux.HandleFunc("GET /debug/pprof/trace", local(pprof.Trace))
	}
	return mux
}

// local refuses requests for a name of the DNS, which a web page can make a browser of this machine send
// (DNS rebinding).
func local(to http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil && strings.Contains(host, ".") {
			http.Error(w, "profiles are served to http://localhost or an address only", http.StatusForbidden)
			return
		}
		to(w, r)
	}
}

func serveIndex(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, `pppoe-server

/metrics           numbers of the server
/metrics/sessions  traffic of each session; ?user=, ?mac=, ?ip= or ?interface= selects
`)
}
