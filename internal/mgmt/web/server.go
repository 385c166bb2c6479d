package web

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/process/passfd"
	"upppoe/internal/ratelimit"
	"upppoe/pppoe"
)

// Limits of the HTTP server: a client that never reads or never asks is disconnected.
const (
	requestTimeout  = 10 * time.Second
	responseTimeout = 30 * time.Second
	idleTimeout     = time.Minute
	maxHeader       = 16 << 10
	// maxConnections bounds the file descriptors, which sessions need: more connections wait.
	maxConnections = 64
)

// Server serves the page. Its methods may be called concurrently.
type Server struct {
	cfg         Config
	log         *slog.Logger
	on          net.Listener
	http        http.Server
	token       atomic.Pointer[token]           // nil: none is needed
	certificate atomic.Pointer[tls.Certificate] // nil: there is none, and no TLS
	csrf        string                          // what a request to change something must have
	failures    *ratelimit.Limiter              // of the log
	slow        time.Duration                   // slowReader, or less in tests

	program *servercontrol.Program // set by Start
	history history
	traffic traffic
	table   sessionTable
	events  hub
	streams atomic.Int32

	stop context.CancelFunc // ends what Start has begun
}

// Open opens the socket; who connects waits until Start. Inherited is the listener of another program (see Listener), which belongs to the Server then; nil, or of
// another address: a socket is opened.
func Open(c Config, by Secrets, inherited *os.File, log *slog.Logger) (*Server, error) {
	addr, err := c.Addr()
	switch {
	case err != nil:
	case len(by.Token) == 0 && c.NeedsToken():
		err = errors.New("it is not a loopback address, so that a token is needed")
	case by.Certificate == nil && c.UsesTLS():
		err = errors.New("there is no certificate")
	}
	if err != nil {
		if inherited != nil {
			inherited.Close()
		}
		return nil, err
	}
	s := &Server{cfg: c, log: log, csrf: rand.Text(), failures: ratelimit.New(5, time.Minute), slow: slowReader}
	s.SetSecrets(by)
	if s.on, err = passfd.Listen(inherited, addr); err != nil {
		return nil, err
	}
	return s, nil
}

// Start begins to serve a program's answers. It must be called once at most.
func (s *Server) Start(p *servercontrol.Program) {
	s.program = p
	s.table.init(p)
	s.traffic.init(shortNames(p.Info.Interfaces))
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.http = http.Server{
		Handler: s.guard(s.routes()), ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: requestTimeout, ReadTimeout: requestTimeout, WriteTimeout: responseTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go s.keepHistory(ctx) // ends with Close
	// Ends with Close.
	go s.http.Serve(s.secured(netutil.LimitListener(s.on, maxConnections)))
}

// routes returns what answers permitted requests.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", file("page.html"))
	mux.HandleFunc("GET /page.css", file("page.css"))
	mux.HandleFunc("GET /page.js", file("page.js"))
	mux.HandleFunc("GET /icon.svg", file("icon.svg"))
	mux.HandleFunc("GET /login", file("login.html"))
	mux.HandleFunc("POST /login", s.logIn)
	mux.HandleFunc("POST /logout", s.logOut)
	mux.HandleFunc("GET /api/overview", s.serveOverview)
	mux.HandleFunc("GET /api/history", s.serveHistory)
	mux.HandleFunc("GET /api/sessions", s.serveSessions)
	mux.HandleFunc("GET /api/events", s.serveEvents)
	mux.HandleFunc("POST /api/disconnect", s.serveDisconnect)
	return mux
}

// Notify passes an event to those who watch the page, now and later. It does not block.
func (s *Server) Notify(l pppoe.SessionInfo, e pppoe.Event) {
	if ended, ok := e.(pppoe.Ended); ok {
		s.traffic.meter.ended(l, ended, time.Now())
	}
	s.events.publish(l, e)
}

// Listener returns another descriptor of the socket, for Open of a successor.
func (s *Server) Listener() (*os.File, error) {
	l, ok := s.on.(*net.TCPListener)
	if !ok {
		return nil, os.ErrInvalid
	}
	return passfd.Duplicate(l, "web")
}

// Addr returns the address on which the server listens.
func (s *Server) Addr() net.Addr { return s.on.Addr() }

// Close stops the server. Responses in progress are cut off; pages connect again, to a successor.
func (s *Server) Close() error {
	if s.stop != nil {
		s.stop()
		s.http.Close()
	}
	if err := s.on.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
