//! What an unknown name was meant to be.

/// What other clients and the providers' own documents call our options, in lower case and without separators.
const ALIASES: &[(&str, &[&str])] = &[
    ("provider", &["service", "vendor", "solver"]),
    ("clientKey", &["key", "apikey", "apitoken", "secret", "accesskey", "userkey"]),
    ("baseURL", &["apiurl", "apihost", "endpoint", "host", "hostname", "server", "domain", "baseuri"]),
    ("timeoutMs", &["timeout", "maxtimeout", "maxwait", "maxwaitms", "solvetimeout", "defaulttimeout"]),
    ("requestTimeoutMs", &["httptimeout", "requesttimeout", "connecttimeout"]),
    ("signal", &["abortsignal", "abort", "cancel", "canceltoken"]),
    ("websiteURL", &["url", "pageurl", "siteurl", "href", "page", "website", "targeturl", "referer"]),
    ("websiteKey", &["sitekey", "datasitekey", "googlekey", "turnstilekey", "captchakey", "k"]),
    ("taskType", &["type", "method", "captchatype"]),
    ("action", &["pageaction", "dataaction", "metadataaction"]),
    ("cData", &["data", "datacdata", "pagedata", "metadatacdata", "chlpagedata"]),
    ("proxy", &["proxyurl", "proxyserver", "proxyaddress"]),
    ("developerId", &["softid", "appid", "devid", "referralid", "affiliateid"]),
    ("extraTaskFields", &["extra", "task", "taskfields", "params", "extraparams"]),
    ("extraRequestFields", &["callbackurl", "pingback", "languagepool", "requestfields"]),
    ("taskId", &["id", "captchaid", "requestid"]),
    ("pollIntervalMs", &["interval", "pollinginterval", "polltime", "pollingintervalms", "pollinterval", "delay"]),
    ("onProgress", &["progress", "callback", "onupdate", "onstatus", "onpoll"]),
];

/// The option among the `known` ones that an unknown name stands for elsewhere, or else the one that is spelt most like it.
pub fn option_like<'a>(name: &str, known: &[&'a str]) -> &'a str {
    let plain = plain(name);
    let meant = ALIASES.iter().find(|(_, aliases)| aliases.contains(&plain.as_str())).map(|(option, _)| *option);
    let known_as = meant.and_then(|option| known.iter().find(|known| **known == option));
    known_as.copied().or_else(|| nearest(&plain, known).map(|(name, _)| name)).unwrap_or_default()
}

/// The name among the `known` ones that this one is likely a misspelling of.
pub fn misspelling_of<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = plain(name);
    nearest(&plain, known).filter(|(known, distance)| distance * 3 <= known.len().max(4)).map(|(known, _)| known)
}

fn nearest<'a>(plain: &str, known: &[&'a str]) -> Option<(&'a str, usize)> {
    let distance = |known: &'a str| (known, strsim::damerau_levenshtein(plain, &known.to_lowercase()));
    known.iter().map(|known| distance(known)).min_by_key(|(_, distance)| *distance)
}

/// In lower case, without the separators of other conventions.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | '.' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] =
        &["provider", "clientKey", "baseURL", "timeoutMs", "proxy", "websiteURL", "websiteKey", "taskId"];

    #[test]
    fn a_name_of_another_client_leads_to_the_option() {
        for (name, option) in [
            ("apiKey", "clientKey"),
            ("api_key", "clientKey"),
            ("key", "clientKey"),
            ("url", "websiteURL"),
            ("pageurl", "websiteURL"),
            ("page_url", "websiteURL"),
            ("sitekey", "websiteKey"),
            ("data-sitekey", "websiteKey"),
            ("timeout", "timeoutMs"),
            ("service", "provider"),
            ("endpoint", "baseURL"),
        ] {
            assert_eq!(option_like(name, KNOWN), option, "{name}");
        }
    }

    #[test]
    fn a_misspelt_name_leads_to_the_nearest_option() {
        for (name, option) in [("clientkey", "clientKey"), ("websiteUrl", "websiteURL"), ("porxy", "proxy")] {
            assert_eq!(option_like(name, KNOWN), option, "{name}");
        }
    }

    #[test]
    fn an_alias_of_an_option_of_another_call_leads_to_one_of_this_call() {
        assert!(KNOWN.contains(&option_like("softId", KNOWN)));
    }

    #[test]
    fn every_alias_is_plain_and_stands_for_one_option() {
        let all: Vec<_> = ALIASES.iter().flat_map(|(_, aliases)| aliases.iter()).collect();
        for (at, alias) in all.iter().enumerate() {
            assert_eq!(plain(alias), **alias);
            assert!(!all[at + 1..].contains(alias), "{alias}");
        }
    }

    #[test]
    fn only_what_is_close_is_a_misspelling() {
        let known = &["ezcaptcha", "yescaptcha", "custom"];
        for (name, meant) in [
            ("yescapcha", Some("yescaptcha")),
            ("yescapthca", Some("yescaptcha")),
            ("EZ-Captcha", Some("ezcaptcha")),
            ("ez_captcha", Some("ezcaptcha")),
            ("Custom", Some("custom")),
            ("nopecha.example", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(misspelling_of(name, known), meant, "{name}");
        }
    }
}
