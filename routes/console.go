package routes

import (
	"hourbank/config"
	"hourbank/controllers/console"
)

// consoleTable lists the console's pages and forms. The role is that of
// whoever is signed in.
func consoleTable(h *console.Console, cfg *config.Config) []Route {
	table := []Route{
		{"GET", "/console/style.css", config.RolePublic, h.Style},
		{"GET", "/console/icon.svg", config.RolePublic, h.Icon},
		{"GET", "/console/sign-in/", config.RolePublic, h.SignInForm},
		{"POST", "/console/sign-in/", config.RolePublic, h.SignIn},
		{"POST", "/console/sign-out/", config.RoleRead, h.SignOut},

		{"GET", "/console/", config.RoleRead, h.Cases},
		{"GET", "/console/overview/", config.RoleRead, h.Overview},
		{"GET", "/console/charts/money.svg", config.RoleRead, h.MoneyChart},
		{"GET", "/console/charts/hours.svg", config.RoleRead, h.HoursChart},
		{"GET", "/console/search/", config.RoleRead, h.Search},
		{"GET", "/console/students/", config.RoleRead, h.Students},
		{"GET", "/console/students/:student_id/", config.RoleRead, h.Student},
		{"GET", "/console/students/:student_id/balance.svg", config.RoleRead, h.BalanceChart},
		{"GET", "/console/students/:student_id/adjustments/", config.RoleAdmin, h.AskAdjustment},
		{"POST", "/console/students/:student_id/adjustments/", config.RoleAdmin, h.Adjust},
		{"GET", "/console/students/:student_id/grants/", config.RoleAdmin, h.AskGrant},
		{"POST", "/console/students/:student_id/grants/", config.RoleAdmin, h.Grant},
		{"GET", "/console/purchases/", config.RoleRead, h.Purchases},
		{"GET", "/console/purchases/:id/", config.RoleRead, h.Purchase},
		{"GET", "/console/purchases/:id/refunds/", config.RoleAdmin, h.AskRefund},
		{"POST", "/console/purchases/:id/refunds/", config.RoleAdmin, h.Refund},
		{"POST", "/console/purchases/:id/reconciliation/", config.RoleAdmin, h.AskStripe},
		{"GET", "/console/cases/", config.RoleRead, h.Cases},
		{"GET", "/console/cases/:id/", config.RoleRead, h.Case},
		{"POST", "/console/cases/:id/close/", config.RoleAdmin, h.CloseCase},
		{"POST", "/console/cases/:id/acceptance/", config.RoleAdmin, h.AcceptPayment},
		{"POST", "/console/cases/:id/purchase/", config.RoleAdmin, h.GivePayment},
		{"GET", "/console/audit-log/", config.RoleAdmin, h.AuditLog},
		{"GET", "/console/statement/", config.RoleRead, h.Statement},
		{"GET", "/console/exports/:list/", config.RoleRead, h.Export},
		{"GET", "/console/events/", config.RoleRead, h.Events},
		{"GET", "/console/events/:id/", config.RoleRead, h.Event},
		{"POST", "/console/events/:id/replay/", config.RoleAdmin, h.Replay},
		{"GET", "/console/deliveries/", config.RoleRead, h.Deliveries},
		{"GET", "/console/deliveries/:id/", config.RoleRead, h.Delivery},
		{"GET", "/console/deliveries/:id/retry/", config.RoleAdmin, h.AskRetry},
		{"POST", "/console/deliveries/:id/retry/", config.RoleAdmin, h.Retry},
	}
	if cfg.HasOIDC() {
		table = append(table,
			Route{"GET", "/console/sign-in/oidc/", config.RolePublic, h.BeginOIDC},
			Route{"GET", config.OIDCCallback, config.RolePublic, h.FinishOIDC},
		)
	}
	if cfg.Sandbox {
		table = append(table,
			Route{"GET", "/console/till/", config.RoleRead, h.Till},
			Route{"POST", "/console/till/purchases/", config.RoleWrite, h.Buy},
			Route{"POST", "/console/till/purchases/:id/pay/", config.RoleWrite, h.PayAgain},
			Route{"POST", "/console/till/purchases/:id/refunds/", config.RoleAdmin, h.TillRefund},
			Route{"POST", "/console/till/purchases/:id/verdict/", config.RoleAdmin, h.Decide},
			Route{"POST", "/console/till/clock/", config.RoleAdmin, h.Advance},
		)
	}
	return table
}
