// Package routes is the one table of what is served where, and to whom.
package routes

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"

	"hourbank/config"
	"hourbank/controllers"
	"hourbank/controllers/console"
	"hourbank/controllers/console/protection"
	"hourbank/services"
)

const metricsPath = "/metrics"

// Route is one row of the table. Role is the least that a key must have.
type Route struct {
	Method string
	Path   string
	Role   config.Role
	Handle controllers.Handler
}

// Table lists every route. Each path also answers without its trailing slash.
func Table(h *controllers.Controllers) []Route {
	return []Route{
		{"POST", "/api/finances/webhooks/stripe/", config.RolePublic, h.Webhook}, // the signature is the key
		{"POST", "/api/finances/webhooks/stripe/subscriptions/", config.RolePublic, h.SubscriptionsWebhook},

		{"GET", "/api/finances/purchases/", config.RoleRead, h.Purchases},
		{"POST", "/api/finances/purchases/", config.RoleWrite, h.CreatePurchase},
		{"GET", "/api/finances/purchases/:id/", config.RoleRead, h.Purchase},
		{"POST", "/api/finances/purchases/:id/refunds/", config.RoleAdmin, h.RefundPurchase},
		{"POST", "/api/finances/purchases/:id/acceptance/", config.RoleAdmin, h.AcceptPayment},
		{"GET", "/api/finances/cases/", config.RoleRead, h.Cases},
		{"POST", "/api/finances/cases/:id/close/", config.RoleAdmin, h.CloseCase},
		{"POST", "/api/finances/cases/:id/purchase/", config.RoleAdmin, h.GiveCase},
		{"GET", "/api/finances/students/", config.RoleRead, h.Students},
		{"GET", "/api/finances/students/:student_id/balance/", config.RoleRead, h.Balance},
		{"GET", "/api/finances/students/:student_id/ledger/", config.RoleRead, h.Ledger},
		{"POST", "/api/finances/students/:student_id/consumptions/", config.RoleWrite, h.Consume},
		{"DELETE", "/api/finances/students/:student_id/consumptions/:reference/", config.RoleWrite, h.Restore},
		{"GET", "/api/finances/students/:student_id/lots/", config.RoleRead, h.Lots},
		{"GET", "/api/finances/students/:student_id/holds/", config.RoleRead, h.Holds},
		{"POST", "/api/finances/students/:student_id/holds/", config.RoleWrite, h.Hold},
		{"POST", "/api/finances/students/:student_id/holds/:reference/capture/", config.RoleWrite, h.Capture},
		{"DELETE", "/api/finances/students/:student_id/holds/:reference/", config.RoleWrite, h.Release},
		{"POST", "/api/finances/students/:student_id/adjustments/", config.RoleAdmin, h.Adjust},
		{"POST", "/api/finances/students/:student_id/grants/", config.RoleAdmin, h.Grant},
		{"GET", "/api/finances/events/", config.RoleRead, h.Events},
		{"GET", "/api/finances/events/:id/", config.RoleRead, h.Event},
		{"POST", "/api/finances/events/:id/replay/", config.RoleAdmin, h.ReplayEvent},
		{"GET", "/api/finances/audit-log/", config.RoleAdmin, h.AuditLog},
		{"GET", "/api/finances/exports/:list/", config.RoleRead, h.Export},
		{"GET", "/api/finances/plans/", config.RolePublic, h.Plans},
		{"GET", "/api/finances/stripe/config/", config.RolePublic, h.StripeConfig},

		{"GET", "/healthz", config.RolePublic, h.Healthz},
		{"GET", "/readyz", config.RolePublic, h.Readyz},
		{"GET", metricsPath, config.RolePublic, h.Metrics}, // or at ADMIN_LISTEN_ADDR
		{"GET", "/openapi.json", config.RolePublic, h.OpenAPI},
		{"GET", "/docs", config.RolePublic, h.Docs},
		{"GET", "/docs/style.css", config.RolePublic, h.DocsStyle},
	}
}

// New builds the handler of everything that is served to the public.
func New(cfg *config.Config, s *services.Services, log *zap.Logger) http.Handler {
	engine := newEngine(cfg, s, log)
	throttle := controllers.NewThrottle()
	table := slices.DeleteFunc(Table(controllers.New(cfg, s)), func(r Route) bool { return r.Path == metricsPath && cfg.AdminListenAddr != "" })
	register(engine.Group(""), table, func(role config.Role) gin.HandlerFunc {
		return controllers.RequireRole(cfg.APIKeys, role, throttle)
	})
	pages := console.New(cfg, s, throttle)
	register(engine.Group("", protection.Headers, pages.RenderErrors, protection.RefuseForgeries), consoleTable(pages, cfg), pages.RequireRole)
	engine.NoRoute(pages.RenderErrors, pages.Session, controllers.NotFound)
	engine.NoMethod(pages.RenderErrors, controllers.MethodNotAllowed)
	return s.Traces.Handler(engine)
}

// NewAdmin builds the handler of ADMIN_LISTEN_ADDR, which only those who
// operate Hourbank reach.
func NewAdmin(cfg *config.Config, s *services.Services, log *zap.Logger) http.Handler {
	engine := newEngine(cfg, s, log)
	public := func(config.Role) gin.HandlerFunc { return func(*gin.Context) {} }
	register(engine.Group(""), []Route{{"GET", metricsPath, config.RolePublic, controllers.New(cfg, s).Metrics}}, public)
	engine.NoRoute(controllers.NotFound)
	engine.NoMethod(controllers.MethodNotAllowed)
	return engine
}

func newEngine(cfg *config.Config, s *services.Services, log *zap.Logger) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	// A redirect counts as a failed delivery for Stripe, so that both forms
	// of a path are routes of their own.
	engine.RedirectTrailingSlash = false
	engine.RedirectFixedPath = false
	engine.HandleMethodNotAllowed = true
	engine.UseRawPath = true // an id may hold an escaped slash
	engine.UnescapePathValues = false
	engine.RemoteIPHeaders = []string{"X-Forwarded-For"}
	if err := engine.SetTrustedProxies(cfg.TrustedProxies.Strings()); err != nil { // without any, Gin would trust all
		panic(err) // they were parsed before
	}
	engine.Use(controllers.RequestID, controllers.Headers, controllers.Measure(s.Metrics), controllers.AccessLog(log), controllers.BoundBodies(cfg.MaxWebhookBytes), controllers.RenderErrors(log), controllers.PathValues, controllers.RequireText)
	return engine
}

// register serves a table's rows, each with and without its trailing slash.
func register(group *gin.RouterGroup, table []Route, require func(config.Role) gin.HandlerFunc) {
	for _, route := range table {
		path := strings.TrimSuffix(route.Path, "/")
		for _, form := range []string{path, path + "/"} {
			methods := []string{route.Method}
			if route.Method == http.MethodGet {
				methods = append(methods, http.MethodHead) // net/http leaves the body out
			}
			group.Match(methods, form, require(route.Role), controllers.Handle(route.Handle))
		}
	}
}
