/** Descriptions of error codes, in the sandbox's own words. A code without one is described by its name. */

/** @type {Readonly<Record<string, string>>} */
const DESCRIPTIONS = {
  ERROR_KEY_DOES_NOT_EXIST: 'The client key does not exist',
  ERROR_KEY_NOT_AVAILABLE: 'The client key is not available',
  ERROR_KEY_BANNED: 'The client key has been banned',
  ERROR_CLIENTKEY_UNAUTHORIZED: 'The client key is not authorized',
  ERROR_ZERO_BALANCE: 'The balance is not sufficient for this task',
  ERROR_SETTLEMENT_FAILED: 'The points of this task could not be settled',
  ERROR_SUBSCRIPTION_EXPIRED: 'The subscription has expired',
  ERROR_PACKAGE_NOT_EXIST: 'The package does not exist',
  ERROR_PACKAGE_TASK_TYPE_NOT_SUPPORTED: 'The package does not cover this task type',
  ERROR_REQUEST_BANNED: 'Too many failed requests, the client key is banned for a few minutes',
  ERROR_IP_BANNED: 'Too many errors, the address is blocked for 10 minutes',
  ERROR_IP_BLOCKED: 'The address is blocked',
  ERROR_IP_BLOCKED_5MIN: 'The address is blocked for 5 minutes',
  ERROR_REQUEST_LIMIT: 'The request rate limit has been reached',
  ERROR_INTERNAL_SERVER_ERROR: 'Internal server error',
  ERROR_SERVICE_UNAVAILABLE: 'The service is temporarily unavailable',
  ERROR_SERVICE_UNAVALIABLE: 'The service is temporarily unavailable',
  ERROR_SERVICE_TIMEOUT: 'The service took too long',
  ERROR_NO_SLOT_AVAILABLE: 'No worker is free at the moment',
  ERROR_NO_SLOT_AVAILABLE_BLOCK: 'No worker is free at the moment',
  ERROR_THREADS_MAXIMUM: 'The maximum of concurrent tasks has been reached',
  ERROR_TASK_TYPE_NOT_SUPPORTED: 'The task type is not supported',
  ERROR_TASK_TYPE_NOT_AVAILABLE: 'The task type is not available',
  ERROR_TASK_TYPE_NOT_ALLOWED: 'The task type is not allowed for this key',
  ERROR_TASK_NOT_SUPPORTED: 'The task type is not supported',
  ERROR_TASK_ABSENT: 'The task is missing',
  ERROR_WEBSITE_NOT_ALLOWED: 'The website is not allowed',
  ERROR_DOMAIN_NOT_ALLOWED: 'The domain is not allowed',
  ERROR_REQUEST_PARAMETERS: 'The request parameters are not valid',
  ERROR_BAD_PARAMETERS: 'The request parameters are not valid',
  ERROR_REQUIRED_FIELDS: 'Please check the field',
  ERROR_REQUEST_METHOD: 'The request method is not allowed',
  ERROR_CONTENT_TYPE_ERROR: 'The content type must be application/json',
  ERROR_BAD_REQUEST: 'Bad request',
  ERROR_NOT_FOUND: 'The requested page does not exist',
  ERROR_PAGE_NOT_FOUND: 'The requested page does not exist',
  ERROR_NO_SUCH_METHOD: 'The requested method does not exist',
  ERROR_RECAPTCHA_INVALID_SITEKEY: 'The sitekey is not valid',
  INVALID_RECAPTCHA_SITEURL: 'The site URL is not valid',
  ERROR_CAPTCHA_UNSOLVABLE: 'The task could not be solved',
  ERROR_TASK_TIMEOUT: 'The task took longer than 120 seconds',
  ERROR_TASK_NOT_EXIST: 'The task does not exist',
  ERROR_TASKID_INVALID: 'The task id does not exist or has expired',
  ERROR_NO_SUCH_CAPCHA_ID: 'The task id does not exist',
  ERROR_REQUEST_PROXY_MISSING: 'The task needs a proxy',
  ERROR_PROXY_CONNECT_REFUSED: 'The proxy refused the connection',
  ERROR_PROXY_CONNECT_TIMEOUT: 'The proxy did not answer in time',
  ERROR_PROXY_NOT_AUTHORISED: 'The proxy refused the credentials',
  ERROR_BAD_PROXY: 'The proxy is not usable',
  CAPTCHA_NOT_READY: 'The task is still in progress',
}

/** @param {string} code */
export function describe(code) {
  const words = code
    .replace(/^ERROR_/, '')
    .toLowerCase()
    .replaceAll('_', ' ')
  return DESCRIPTIONS[code] ?? `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}
