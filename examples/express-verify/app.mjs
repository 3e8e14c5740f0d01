import express from 'express'
import { requireTurnstile } from './verify.mjs'

/** @param {import('./verify.mjs').Settings} settings */
export function createApp(settings) {
  const app = express()
  app.disable('x-powered-by')
  app.use(express.urlencoded({ extended: false }), express.json())
  app.post('/login', requireTurnstile(settings), (req, res) => {
    res.json({ welcome: String(req.body.username ?? 'guest') })
  })
  return app
}
