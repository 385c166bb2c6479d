package web

import (
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// headers are those of every response. No script, style or connection of another origin is allowed, no
// script or style within HTML, and no HTML made from text by a script (Trusted Types).
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	"Cache-Control":                "no-store",
}

// cookieName returns the name of the login's cookie. Browsers send a cookie to all ports of a host, of which
// others may have pages of other servers.
func (s *Server) cookieName() string {
	_, port, _ := net.SplitHostPort(s.on.Addr().String())
	return "upppoe-web-" + port
}

// csrfHeader has the value of Server.csrf in requests that change something.
const csrfHeader = "X-CSRF-Token"

// guard lets only permitted requests through.
func (s *Server) guard(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		switch {
		case !s.cfg.allowsHost(r.Host):
			http.Error(w, "this name is not served: use an address or localhost, or add it to names in [web]", http.StatusForbidden)
		case origin.Check(r) != nil, isAPI(r) && isOtherSite(r):
			http.Error(w, "requests of other web pages are refused", http.StatusForbidden)
		case !s.isLoggedIn(r) && !isPublic(r):
			askToLogIn(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// isOtherSite reports whether another page has made the browser send a request (Fetch Metadata). Browsers
// that do not say so send no cookie with it (SameSite), and do not let the other page read the response.
func isOtherSite(r *http.Request) bool {
	from := r.Header.Get("Sec-Fetch-Site")
	return from != "" && from != "same-origin" && from != "none"
}

// isPublic reports whether a request needs no login: that to log in, and what its form shows.
func isPublic(r *http.Request) bool {
	return r.URL.Path == "/login" || r.URL.Path == "/page.css" || r.URL.Path == "/icon.svg"
}

// isLoggedIn reports whether a request has the token or the cookie of a login, or none is needed.
func (s *Server) isLoggedIn(r *http.Request) bool {
	t := s.token.Load()
	if t == nil {
		return true
	}
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return t.is(given)
	}
	c, err := r.Cookie(s.cookieName())
	return err == nil && t.hasCookie(c.Value, time.Now())
}

func askToLogIn(w http.ResponseWriter, r *http.Request) {
	if isAPI(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "log in, or send the token in the header Authorization: Bearer", http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// maxForm is more octets than a form or a request may have.
const maxForm = 4 << 10

// logIn answers the form of the login.
func (s *Server) logIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	t := s.token.Load()
	if t == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if given := strings.TrimSpace(r.PostFormValue("token")); !t.is(given) {
		s.logFailure(r)
		http.Redirect(w, r, "/login#wrong", http.StatusSeeOther)
		return
	}
	s.log.Info(fmt.Sprintf("web: login from %s", clientOf(r)))
	http.SetCookie(w, s.newCookie(r, t.cookie(time.Now().Add(cookieLife)), cookieLife))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// logOut makes the browser forget its cookie.
func (s *Server) logOut(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, s.newCookie(r, "", -time.Second))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (s *Server) newCookie(r *http.Request, value string, life time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https", // a proxy's; who forges it only harms himself
	}
}

// logFailure logs a login with a wrong token, a few a minute.
func (s *Server) logFailure(r *http.Request) {
	ok, _ := s.failures.Allow(time.Now())
	if !ok {
		return
	}
	text := fmt.Sprintf("web: wrong token from %s", clientOf(r))
	if n := s.failures.TakeSuppressed(); n > 0 {
		text += fmt.Sprintf(", and %d more that were not logged", n)
	}
	s.log.Warn(text)
}

// clientOf returns the address of the client.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "?"
	}
	return host
}

// mayChange reports whether a request to change something is the page's own, or a program's with the token;
// otherwise it answers.
func (s *Server) mayChange(w http.ResponseWriter, r *http.Request) bool {
	byProgram := s.token.Load() != nil && r.Header.Get("Authorization") != "" // the guard has checked it
	switch {
	case !s.cfg.Control:
		http.Error(w, "this page is read-only: start the server with --web-control, or control = true in [web]", http.StatusForbidden)
	case !byProgram && subtle.ConstantTimeCompare([]byte(r.Header.Get(csrfHeader)), []byte(s.csrf)) != 1:
		http.Error(w, "the header "+csrfHeader+" must have the value csrf of /api/overview", http.StatusForbidden)
	default:
		return true
	}
	return false
}
