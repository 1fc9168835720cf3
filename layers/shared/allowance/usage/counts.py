"""What a usage counts, by class of token and by unit, as a request states it. Pure."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from allowance.contract.fields import Body
from allowance.contract.spellings import whole
from allowance.prices.cost import MAX_TOKENS

Count = Annotated[int, BeforeValidator(whole), Field(ge=0, le=MAX_TOKENS)]


class TokenCounts(Body):
    """Tokens in disjoint classes: `input` is not cached, `output` includes reasoning. Tokens of
    audio, images and video have classes of their own, which exclude each other too.
    """

    input: Count = 0
    output: Count = 0
    cache_read: Count = 0
    cache_write: Count = 0
    cache_write_1h: Count = 0
    input_audio: Count = 0
    input_image: Count = 0
    input_video: Count = 0
    cache_read_audio: Count = 0
    cache_read_image: Count = 0
    cache_read_video: Count = 0
    output_audio: Count = 0
    output_image: Count = 0
    output_video: Count = 0
    output_reasoning: Count = 0
    output_citation: Count = 0


class UnitCounts(Body):
    """What is not counted in tokens."""

    web_searches: Count = 0
    file_searches: Count = 0
    social_searches: Count = 0
    rerank_searches: Count = 0
    code_executions: Count = 0
    input_characters: Count = 0
    input_messages: Count = 0
    audio_milliseconds: Count = 0
    input_audio_milliseconds: Count = 0
    output_audio_milliseconds: Count = 0
    pages: Count = 0
    annotated_pages: Count = 0
    pixels: Count = 0
