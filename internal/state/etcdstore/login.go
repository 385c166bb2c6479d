package etcdstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// login logs in to etcd before the first request, and when etcd does not know the token any more. It is used in place of
// that of etcd's client, which waits for etcd when it is made, keeps the first password, sends an unknown token with the next login,
// which some versions of etcd refuse then, and logs in before each stream: a login costs etcd a hash that is made to be slow.
type login struct {
	user     string
	password func() (string, error) // is read for each login
	turn     chan struct{}          // capacity 1: filled during a login

	mu       sync.Mutex // guards the following
	is       bool       // logged in
	token    string     // empty: etcd has no authentication
	failed   error      // why the last login was refused; nil: it was not
	failedAt time.Time
}

// Times of logins: after one that was refused no other is tried for loginRetry, and none takes longer than loginTimeout.
const (
	loginRetry   = time.Second
	loginTimeout = 2 * time.Second
)

func newLogin(user string, password func() (string, error)) *login {
	return &login{user: user, password: password, turn: make(chan struct{}, 1)}
}

func (l *login) options() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(l.unary), grpc.WithChainStreamInterceptor(l.stream)}
}

// unary sends a request with the token, and once more if etcd does not know that.
func (l *login) unary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if _, is := req.(*etcdserverpb.AuthenticateRequest); is {
		return invoke(ctx, method, req, reply, conn, opts...)
	}
	for again := false; ; again = true {
		token, err := l.get(ctx, conn)
		if err != nil {
			return err
		}
		err = invoke(withToken(ctx, token), method, req, reply, conn, opts...)
		if !l.isUnknown(err, token) || again {
			return err
		}
	}
}

// stream opens a stream with the token.
func (l *login) stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	token, err := l.get(ctx, conn)
	if err != nil {
		return nil, err
	}
	s, err := open(withToken(ctx, token), desc, conn, method, opts...)
	l.isUnknown(err, token)
	return loginStream{s, l, token}, err
}

// loginStream is a stream with a token.
type loginStream struct {
	grpc.ClientStream
	login *login
	token string
}

// RecvMsg implements grpc.ClientStream.
func (s loginStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	s.login.isUnknown(err, s.token)
	return err
}

func withToken(ctx context.Context, token string) context.Context {
	if token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, rpctypes.TokenFieldNameGRPC, token)
}

// isUnknown reports whether the error of a request is that etcd does not know its token. The next request logs in then.
func (l *login) isUnknown(err error, token string) bool {
	err = rpctypes.Error(err)
	if !errors.Is(err, rpctypes.ErrInvalidAuthToken) && !errors.Is(err, rpctypes.ErrAuthOldRevision) && !errors.Is(err, rpctypes.ErrUserEmpty) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.token == token {
		l.is = false
	}
	return true
}

// get returns the token, after a login if there is none. The error is why that failed.
func (l *login) get(ctx context.Context, conn *grpc.ClientConn) (token string, err error) {
	if known, token, err := l.known(); known {
		return token, err
	}
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if known, token, err := l.known(); known {
		return token, err
	}
	password, err := l.password()
	if err != nil {
		return "", err
	}
	answer, err := etcdserverpb.NewAuthClient(conn).Authenticate(ctx, &etcdserverpb.AuthenticateRequest{Name: l.user, Password: password})
	return l.answered(answer, err)
}

// known returns the outcome of the last login, unless another one is due.
func (l *login) known() (known bool, token string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.is {
		return true, l.token, nil
	}
	return l.failed != nil && time.Since(l.failedAt) < loginRetry, "", l.failed
}

// answered notes the outcome of a login, and returns it.
func (l *login) answered(answer *etcdserverpb.AuthenticateResponse, err error) (token string, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = nil
	switch is := rpctypes.Error(err); {
	case err == nil:
		l.is, l.token = true, answer.Token
	case errors.Is(is, rpctypes.ErrAuthNotEnabled):
		l.is, l.token = true, ""
	case errors.Is(is, rpctypes.ErrAuthFailed):
		l.failed, l.failedAt = err, time.Now()
		return "", err
	default:
		return "", err
	}
	return l.token, nil
}
