"""What the words in a column's name say about its meaning, in the languages of usual exports.

Only proposals use it, which a person checks. A load knows columns by their whole names (`column_names`).
"""

import re
from typing import Final

_CASES: Final = re.compile(r"(?<=[a-zß-ÿ0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\x00-\u04ff])(?=[A-Za-z])")
_OTHER: Final = re.compile(r"[^\w#?]+|_")


class Words:
    """A set of words in names. `in` tells whether a name has one of them."""

    def __init__(self, *patterns: str) -> None:
        self._found = re.compile("|".join(patterns)).search

    def __contains__(self, name: object) -> bool:
        return self._found(spaced(str(name))) is not None


def spaced(name: str) -> str:
    """Return the words of a name in lower case with spaces between them."""
    return _OTHER.sub(" ", _CASES.sub(" ", name)).strip().casefold()


REVIEW: Final = Words(
    *(r"\breviews?\b", "review(?!er)", "bewertung", "rezension", "feedback", r"\bavis\b", "rese[nñ]a", "recens"),
    *("avalia", "opini", "отзыв", "评论", "評論", "评价", "レビュー", "口コミ", "리뷰", "후기", "comment", r"\bmy\b"),
)
TEXT: Final = Words(
    *("review(?!er)", "text", "body", "content", "comment", "message", "feedback", "opini", "meinung", "kommentar"),
    *("rezension", "erfahrung", r"\bavis\b", "rese[nñ]a", "mensaje", "mensagem", "comentario", "comentário", "recens"),
    *("commento", "verbatim", "remark", "bemerkung", r"\?$", r"\bwhy\b", r"\bwarum\b", "отзыв", "комментар", "текст"),
    *("本文", "レビュー", "口コミ", "コメント", "感想", "内容", "评论", "評論", "评价", "리뷰", "내용", "후기", "의견"),
)
TITLE: Final = Words(
    *("title", "titel", "headline", "subject", "betreff", "summary", "überschrift", "heading", "titre", "t[ií]tulo"),
    *("titolo", "заголов", "тема", "タイトル", "件名", "标题", "標題", "제목"),
)
ANSWER: Final = Words(
    *(r"\brepl(?:y|ies|ied)\b", r"\brespon(?:se|ded|ses)\b", "antwort", "answer", "réponse", "respuesta", "resposta"),
    *("risposta", "antwoord", "ответ", "回复", "回覆", "返信", "답변", "händler", "haendler", "merchant", "developer"),
    *("owner", "vendor", "seller", "management"),
)
# A word for bad is looked for first: `disadvantages` has both.
BAD: Final = Words(
    *("negativ", r"\bcons\b", r"\bcontra\b", "dislike", "disadvantage", "nachteil", "schlecht", "schwäche", "inconv"),
    *("недостат", "минус", "悪い", "缺点", "缺點", "단점", "worst", "improve", "verbesser", "desventaja", "desvantag"),
    *("difetti", "minpunt", "weakness"),
)
GOOD: Final = Words(
    *("positiv", r"\bpros?\b", r"\bliked?\b", "advantage", "vorteil", r"\bgut\b", "stärke", "avantage", "достоинств"),
    *("плюс", "良い", "优点", "優點", "장점", r"\bbest\b", "ventaja", "vantagen", "pregi", "pluspunt", "strength"),
)
ID: Final = Words(
    *(r"\w*id\b", r"\bids\b", "guid", r"\bkey\b", r"\bnumber\b", r"\w*nr\b", r"\bno\b", r"\bnum\b", "nummer", "номер"),
    *("编号", "編號", "番号", "번호", "^#$", r"\bsku\b", r"\basin\b", r"\bisbn\b", r"\bhandle\b"),
)
ONLY_ID: Final = Words(r"^(?:id|uuid|guid|#|nr|no|nummer|number|key|номер|编号|編號|番号|번호)$")
RESPONSE: Final = Words("respon", "recommendation", "submission", "ticket", "survey")  # what has one text, as a review
PRODUCT: Final = Words(
    *("produ[ck]t", "produit", "prodotto", r"\bitem\b", "arti[ck]", r"\basin\b", r"\bsku\b", r"\bbook\b", "hotel"),
    *("listing", "business", r"\bapp\b", "movie", "film", "clothing", "товар", "商品", "产品", "產品", "상품", "제품"),
)
AUTHOR: Final = Words(
    *("author", "autor", r"\buser", "reviewer", "customer", "consumer", "client", "kunde", "member", "клиент"),
    *("покупател", "用户", "用戶", "顧客", "고객"),
)
OTHER_THING: Final = Words(  # whose id is not that of the review
    *("order", "store", r"\bshop\b", "collector", "network", r"\bip\b", "mail", "phone", "parent", "location"),
    *("variant", "campaign", "transaction", "reservation", "booking", "bestell", "auftrag", "заказ", "订单", "주문"),
)
RATING: Final = Words(
    *("rating", "score", r"\bstars?\b", r"\brate\b", "grade", r"\bpoints\b", "bewertung", r"\bnote\b", "sterne"),
    *("punkte", "étoile", r"\bnota\b", "puntuaci", "valoraci", "estrella", r"\bvoto\b", "waardering", "betyg"),
    *(
        "ocena",
        "оценк",
        "рейтинг",
        "評価",
        "评分",
        "評分",
        "별점",
        "평점",
        "satisf",
        "zufrieden",
        "likely",
        "recommend",
    ),
    r"\bnps\b",
)
OVERALL: Final = Words(r"\breview(?:er)?\b", r"\bmy\b", "overall", "gesamt", "общ")
RECOMMEND: Final = Words("likely", "recommend", r"\bnps\b", "empfehl", "wahrscheinlich")  # 0 to 10 by convention
AGGREGATE: Final = Words(
    *("average", r"\bavg\b", r"\bmean\b", "durchschnitt", "count", "total", "votes", "helpful", "useful", "weighted"),
    *("group", "средн", "quantity", "price", "version", "probab", "confidence"),
)
TIME: Final = Words(
    *(r"\w*date\w*", r"\btime\b", "timestamp", "datum", "created", "submitted", "erstellt", r"\bat\b", "fecha"),
    *(r"\bdata\b", "posted", "published", "reviewed", "updated", "дата", "время", "日付", "日期", "投稿日", "时间"),
    *("時間", "日時", "작성일", "날짜", "일시"),
)
OTHER_TIME: Final = Words(
    *("birth", "order", "purchase", "bestell", "bought", r"\bstay", "check", "expir", r"\bread\b", "ship", "deliver"),
    *("invit", "visit", "experience", "replied", "заказ"),
)
WRITTEN: Final = Words("creat", "submit", "post", "erstellt", "publish", r"\bend\b", "written", "投稿", "작성")
UPDATED: Final = Words("updat", "modif", "chang", "geändert", "更新", "수정")
DESCRIPTION: Final = Words("url", "link", "image", "address", "categ", "type", "status", "descri", "brand", "tags")
