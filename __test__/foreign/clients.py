"""The clients for Python.

``python clients.py NAME BASE_URL KEY`` solves one Turnstile task, and prints ``{"token": ...}``, or ``{"error": ...}`` with the
client's own error.
"""

import asyncio
import json
import sys

WEBSITE_URL = "https://shop.example/login"
WEBSITE_KEY = "0x4AAAAAAAExampleSitekey"


def anticaptchaofficial(base_url, key):
    """Its base URL is a constant, so an adapter of its HTTP session replaces it."""
    from anticaptchaofficial import antinetworking, turnstileproxyless
    from requests.adapters import HTTPAdapter

    class Redirect(HTTPAdapter):
        def send(self, request, **kwargs):
            request.url = request.url.replace("https://api.anti-captcha.com", base_url)
            return super().send(request, **kwargs)

    antinetworking.session.mount("https://api.anti-captcha.com", Redirect())
    antinetworking.session.trust_env = False
    client = turnstileproxyless.turnstileProxyless()
    client.set_key(key)
    client.set_website_url(WEBSITE_URL)
    client.set_website_key(WEBSITE_KEY)
    token = client.solve_and_return_solution()
    if token == 0:
        raise RuntimeError(f"{client.error_code}: {client.err_string}")
    return token


def capmonstercloudclient(base_url, key):
    from capmonstercloudclient import CapMonsterClient, ClientOptions
    from capmonstercloudclient.requests import TurnstileRequest

    client = CapMonsterClient(options=ClientOptions(api_key=key, service_url=base_url))
    request = TurnstileRequest(websiteURL=WEBSITE_URL, websiteKey=WEBSITE_KEY)
    return asyncio.run(client.solve_captcha(request))["token"]


def ezcapsolver(base_url, key):
    from ezcapsolver import CloudflareTurnstileTask, EzCapSolverClient, PollingConfig

    polling = PollingConfig(interval=0.01)
    with EzCapSolverClient(key, async_base_url=base_url, polling=polling) as client:
        task = CloudflareTurnstileTask(website_url=WEBSITE_URL, website_key=WEBSITE_KEY)
        return client.solve(task).solution.token


def yescaptcha(base_url, key):
    from yescaptcha import YesCaptcha

    task = {"type": "TurnstileTaskProxyless", "websiteURL": WEBSITE_URL, "websiteKey": WEBSITE_KEY}
    with YesCaptcha(key, base_url=base_url) as client:
        return client.solve(task, interval=0.01)["token"]


CLIENTS = {
    "anticaptchaofficial": anticaptchaofficial,
    "capmonstercloudclient": capmonstercloudclient,
    "ezcapsolver-py": ezcapsolver,
    "yescaptcha-client": yescaptcha,
}

name, base_url, key = sys.argv[1:]
try:
    result = {"token": CLIENTS[name](base_url, key)}
except Exception as error:
    result = {"error": f"{type(error).__name__}: {error} {getattr(error, 'error_code', '')}".strip()}
print(json.dumps(result))
