// Package console serves the pages for the people who answer the phone. They
// are rendered here, work without JavaScript, and load nothing from elsewhere.
package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/securecookie"

	"hourbank/config"
	"hourbank/controllers"
	"hourbank/controllers/console/protection"
	"hourbank/controllers/console/till"
	"hourbank/controllers/console/words"
	"hourbank/models"
	"hourbank/services"
	"hourbank/services/sessions"
)

//go:embed templates style.css icon.svg
var files embed.FS

// Console are the pages' controllers.
type Console struct {
	cfg      *config.Config
	services *services.Services
	till     *till.Till // its page is served in a sandbox alone
	attempts *securecookie.SecureCookie
	throttle *controllers.Throttle
	cookies  protection.Cookies
	pages    map[string]*template.Template
}

// New makes the controllers. It panics where a template doesn't parse, which
// every test would see.
func New(cfg *config.Config, s *services.Services, throttle *controllers.Throttle) *Console {
	return &Console{cfg: cfg, services: s, till: till.New(s.Stripe, s.Purchases), attempts: newAttempts(cfg.ConsoleKey()), throttle: throttle, cookies: protection.Cookies{PublicURL: cfg.PublicURL, Proxies: cfg.TrustedProxies}, pages: parsePages(s.Clock)}
}

// parsePages makes one template a page, each inside the layout.
func parsePages(clock *services.ClockService) map[string]*template.Template {
	ages := template.FuncMap{"age": func(since time.Time) string { return words.Age(clock.Now().Sub(since)) }}
	layout := template.Must(template.New("layout.html").Funcs(words.Funcs).Funcs(addresses).Funcs(ages).ParseFS(files, "templates/layout.html", "templates/parts.html"))
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is well formed
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		page := template.Must(template.Must(layout.Clone()).ParseFS(files, name))
		pages[strings.TrimSuffix(path.Base(name), ".html")] = page
	}
	return pages
}

// view is what every page is rendered with.
type view struct {
	Title   string
	Here    string // the part of the console that the page belongs to
	Session *sessions.Session
	CSRF    string
	Query   string // what was searched for
	Notice  string // what was just done
	Sandbox bool
	Clock   *services.ClockService
	Page    any
}

// Can says whether whoever is signed in may do what needs the role.
func (v view) Can(role string) bool {
	return v.Session != nil && config.RoleNamed(role) <= config.RoleNamed(v.Session.Role)
}

// notices are what a page may say after a form, named by ?done=.
var notices = map[string]string{
	"replayed":   "The event was replayed.",
	"retried":    "It is sent again, at once and for three days.",
	"refunded":   "Refunded. This is what became of it.",
	"asked":      "Stripe was asked for the refund; its webhook has not arrived yet. Reload in a moment.",
	"partly":     "Stripe made only a part of the refund: see below what became of each.",
	"unanswered": "Stripe gives no answer now. The refund is kept, and asked for again by itself: don't ask for another one.",
	"before":     "This form was sent before, and nothing was done again: see below what became of it.",
	"adjusted":   "The adjustment was booked.",
	"granted":    "The hours are granted.",
	"closed":     "The case is closed. It opens again only when its amount grows.",
	"corrected":  "Stripe knew more than its events told; it is applied.",
	"nothingnew": "Stripe knows nothing that its events have not told.",
	"accepted":   "The payment counts as paid in full.",
	"given":      "The purchase was made, and what waited for it applied.",
	"bought":     "Paid. Stripe's webhook arrived, and the hours are there.",
	"declined":   "The card was declined. Nothing was credited; the same purchase can still be paid.",
	"waiting":    "Stripe was told; its webhook has not arrived yet. Reload in a moment.",
	"happened":   "Done. This is what became of it.",
	"advanced":   "The clock is moved forward.",
	"signedout":  "You are signed out.",
}

// render answers a page.
func (h *Console) render(c *gin.Context, status int, name, title string, page any) error {
	var html bytes.Buffer
	here, _, _ := strings.Cut(strings.TrimPrefix(c.FullPath(), "/console/"), "/")
	err := h.pages[name].ExecuteTemplate(&html, "layout.html", view{
		Title: title, Here: here, Session: sessionOf(c), CSRF: protection.FormToken(sessionOf(c)), Query: c.Query("q"),
		Notice: notices[c.Query("done")], Sandbox: h.cfg.Sandbox, Clock: h.services.Clock, Page: page,
	})
	if err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	c.Data(status, "text/html; charset=utf-8", []byte(models.Visible(html.String())))
	return nil
}

func (h *Console) ok(c *gin.Context, name, title string, page any) error {
	return h.render(c, http.StatusOK, name, title, page)
}

// Style answers the stylesheet.
func (h *Console) Style(c *gin.Context) error {
	return asset(c, "style.css", "text/css; charset=utf-8")
}

// Icon answers the mark.
func (h *Console) Icon(c *gin.Context) error { return asset(c, "icon.svg", "image/svg+xml") }

func asset(c *gin.Context, name, contentType string) error {
	content, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	c.Header("Cache-Control", "max-age=300")
	c.Data(http.StatusOK, contentType, content)
	return nil
}

// seeOther sends the browser on after a form, so that reloading the page that
// it ends on sends nothing again.
func seeOther(c *gin.Context, address string) error {
	c.Redirect(http.StatusSeeOther, address)
	return nil
}

// RenderErrors answers errors of the console's addresses as a page; they are
// logged as all others are.
func (h *Console) RenderErrors(c *gin.Context) {
	c.Next()
	last := c.Errors.Last()
	if last != nil && !c.Writer.Written() && !controllers.HungUp(c) && strings.HasPrefix(c.Request.URL.Path, "/console/") {
		protection.Headers(c)
		known := services.AsError(last.Err)
		controllers.SayWhen(c, known.Code)
		if err := h.render(c, controllers.StatusOf(known.Code), "error", http.StatusText(controllers.StatusOf(known.Code)), known); err != nil {
			_ = c.Error(err) // and answered as JSON by the middleware around this one
		}
	}
}
