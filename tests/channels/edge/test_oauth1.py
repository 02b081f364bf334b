"""OAuth 1.0a: the examples of RFC 5849 and of X's own page."""

from channels.edge.oauth1 import OAuth1, signature_text

OURS = OAuth1(
    consumer_key="xvz1evFS4wEEPTGEFPHBog",
    consumer_secret="kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
    token="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
    token_secret="LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
)


def test_the_example_of_the_standard_is_signed_as_its_erratum_says() -> None:
    # RFC 5849, section 3.4.1.1; the signature is erratum 2550's, since the printed one is wrong.
    fields = [("oauth_consumer_key", "9djdj82h48djs9d2"), ("oauth_token", "kkk9d7dh3k39sjv7"), ("c2", "")]
    fields += [("oauth_signature_method", "HMAC-SHA1"), ("oauth_timestamp", "137131201"), ("a3", "2 q")]
    fields += [("oauth_nonce", "7d8f3e4a")]
    signer = OAuth1(
        consumer_key="9djdj82h48djs9d2",
        consumer_secret="j49sk3j29djd",
        token="kkk9d7dh3k39sjv7",
        token_secret="dh893hdasih9",
    )

    text = signature_text("POST", "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", fields)

    assert text == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26"
        "c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26"
        "oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )
    assert signer.signature(text) == "r6/TJjbCOr97/+UU0NsvSne7s5g="


def test_the_example_that_x_publishes_has_its_signature_in_the_header() -> None:
    url = "https://api.twitter.com/1.1/statuses/update.json?include_entities=true&status=Hello%20Ladies%20%2B%20"
    url += "Gentlemen%2C%20a%20signed%20OAuth%20request%21"

    header = OURS.authorization(
        "POST", url, nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", timestamp=1_318_622_958
    )

    assert header == (
        'OAuth oauth_consumer_key="xvz1evFS4wEEPTGEFPHBog", '
        'oauth_nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", '
        'oauth_signature="hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D", oauth_signature_method="HMAC-SHA1", '
        'oauth_timestamp="1318622958", oauth_token="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb", '
        'oauth_version="1.0"'
    )
