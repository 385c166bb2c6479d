package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/chromedp/chromedp"
)

// pageAddress is where the server has its page, in its own namespace; the demo forwards it from the same
// address of the machine, or from another port if that is in use.
const pageAddress = "127.0.0.1:8080"

// showPage shows the page until the demo is interrupted, or takes a picture of it.
func (s *demo) showPage() error {
	if os.Getenv("UPPPOE_LAB_USERNS") != "" {
		return errors.New("--web needs root: in a user namespace the demo has a network of its own, which no browser reaches")
	}
	l, err := net.Listen("tcp", pageAddress)
	if err != nil {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return err
	}
	defer l.Close()
	go s.forwardPage(l) // ends with l
	url := fmt.Sprintf("http://%v/", l.Addr())
	fmt.Printf("   the page of the server: %s\n", url)
	if s.options.screenshot == "" {
		fmt.Println("== open it in a browser; Ctrl-C ends the demo")
		select {}
	}
	return s.takePicture(url)
}

// forwardPage passes connections on to the server's namespace.
func (s *demo) forwardPage(l net.Listener) {
	for {
		from, err := l.Accept()
		if err != nil {
			return
		}
		var to net.Conn
		err = s.server.Do(func() (err error) { to, err = net.Dial("tcp", pageAddress); return err })
		if err != nil {
			from.Close()
			continue
		}
		// These end with the connection.
		go forward(to, from)
		go forward(from, to)
	}
}

func forward(to, from net.Conn) {
	io.Copy(to, from)
	to.Close()
	from.Close()
}

// The size of the picture.
const pictureWidth, pictureHeight = 1180, 740

// takePicture opens the page in headless Chromium, and writes a picture of it.
func (s *demo) takePicture(url string) error {
	profile, err := os.MkdirTemp(s.dir, "chromium-")
	if err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.ExecPath("chromium"), chromedp.UserDataDir(profile))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, end := chromedp.NewContext(ctx)
	defer end()
	err = chromedp.Do(ctx, chromedp.EmulateViewport(pictureWidth, pictureHeight), chromedp.Navigate(url+"#sort=down"),
		chromedp.WaitReady(chromedp.CSS(fmt.Sprintf("#sessions tbody tr:nth-child(%d)", min(50, s.options.clients)))), chromedp.Sleep(s.options.after))
	if err != nil {
		return fmt.Errorf("chromium: %w", err)
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Errorf("chromium: %w", err)
	}
	fmt.Printf("   %s: %d octets\n", s.options.screenshot, len(picture))
	return os.WriteFile(s.options.screenshot, picture, 0o644)
}
