"""Language models and speech of version 5: names to import, and a refusal when one is opened.

An object of these classes is never made, so their methods are there to be looked at, not to be called.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NoReturn

from hailo_platform._native import genai
from hailo_platform._python.wrapping import named_errors


class _Closing:
    def release(self) -> None:
        """Let go of the model."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *args: object) -> None:
        self.release()


class LLMGeneratorCompletion(_Closing):
    """Text that is being generated."""

    def __init__(self, generator_completion: Any) -> None:
        self._generator_completion = generator_completion

    @property
    @named_errors
    def generation_status(self) -> Any:
        """Whether more will come."""
        return self._generator_completion.generation_status()

    @named_errors
    def read(self, timeout_ms: int = 10000) -> Any:
        """The next piece."""
        return self._generator_completion.read(timeout_ms)

    @named_errors
    def read_all(self, timeout_ms: int = 10000) -> Any:
        """Everything that is still to come."""
        return self._generator_completion.read_all(timeout_ms)

    def __iter__(self) -> LLMGeneratorCompletion:
        return self

    def __next__(self) -> Any:
        return self._get_next_token()

    def _get_next_token(self) -> Any:
        if self.generation_status != genai.LLMGeneratorCompletionStatus.GENERATING:
            raise StopIteration("Generation complete")
        return self.read()


class _LanguageModel(_Closing):
    """What both kinds of language models share."""

    _model: Any

    @named_errors
    def tokenize(self, text: str) -> Any:
        """Token numbers of a text."""
        return self._model.tokenize(text)

    @named_errors
    def get_context_usage_size(self) -> Any:
        """Tokens in the context."""
        return self._model.get_context_usage_size()

    @named_errors
    def max_context_capacity(self) -> Any:
        """Tokens that the context can hold."""
        return self._model.max_context_capacity()

    @named_errors
    def clear_context(self) -> Any:
        """Forget the context."""
        return self._model.clear_context()

    @named_errors
    def get_generation_recovery_sequence(self) -> Any:
        """What is inserted after an aborted generation."""
        return self._model.get_generation_recovery_sequence()

    @named_errors
    def set_generation_recovery_sequence(self, sequence: str) -> Any:
        """What to insert after an aborted generation."""
        return self._model.set_generation_recovery_sequence(sequence)

    @named_errors
    def prompt_template(self) -> Any:
        """The model's template."""
        return self._model.prompt_template()

    @named_errors
    def set_stop_tokens(self, stop_tokens: Any) -> Any:
        """Where to stop."""
        return self._model.set_stop_tokens(stop_tokens)

    @named_errors
    def get_stop_tokens(self) -> Any:
        """Where it stops."""
        return self._model.get_stop_tokens()

    @named_errors
    def save_context(self) -> Any:
        """The context as bytes."""
        return bytes(self._model.save_context())

    @named_errors
    def load_context(self, context_data: bytes) -> Any:
        """A context that was saved."""
        return self._model.load_context(list(context_data))


class LLM(_LanguageModel):
    """A language model."""

    @named_errors
    def __init__(
        self, vdevice: Any, model_path: str, lora_name: str = "", optimize_memory_on_device: bool = False
    ) -> None:
        self._model: Any = genai.LLMWrapper.create(model_path)

    def generate(
        self,
        prompt: Any,
        tools: Any = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        frequency_penalty: float | None = None,
        max_generated_tokens: int | None = None,
        do_sample: bool | None = None,
        seed: int | None = None,
    ) -> NoReturn:
        """Text that continues a prompt."""
        genai.LLMWrapper.create()

    def generate_all(
        self,
        prompt: Any,
        tools: Any = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        frequency_penalty: float | None = None,
        max_generated_tokens: int | None = None,
        do_sample: bool | None = None,
        seed: int | None = None,
        timeout_ms: int = 600000,
    ) -> NoReturn:
        """The same, all of it."""
        genai.LLMWrapper.create()


class VLM(_LanguageModel):
    """A language model that sees."""

    @named_errors
    def __init__(self, vdevice: Any, model_path: str, optimize_memory_on_device: bool = False) -> None:
        self._model: Any = genai.VLMWrapper.create(model_path)

    def generate(
        self,
        prompt: Any,
        frames: Any,
        videos: Any = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        frequency_penalty: float | None = None,
        max_generated_tokens: int | None = None,
        do_sample: bool | None = None,
        seed: int | None = None,
    ) -> NoReturn:
        """Text that continues a prompt with pictures."""
        genai.VLMWrapper.create()

    def generate_all(
        self,
        prompt: Any,
        frames: Any,
        videos: Any = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        frequency_penalty: float | None = None,
        max_generated_tokens: int | None = None,
        do_sample: bool | None = None,
        seed: int | None = None,
        timeout_ms: int = 600000,
    ) -> NoReturn:
        """The same, all of it."""
        genai.VLMWrapper.create()

    @named_errors
    def input_frame_size(self) -> Any:
        """Bytes of a picture."""
        return self._model.input_frame_size()

    @named_errors
    def input_frame_shape(self) -> Any:
        """Axes of a picture."""
        return self._model.input_frame_shape()

    @named_errors
    def input_frame_format_type(self) -> Any:
        """Element type of a picture."""
        return self._model.input_frame_format_type()

    @named_errors
    def input_frame_format_order(self) -> Any:
        """Memory order of a picture."""
        return self._model.input_frame_format_order()


class SegmentInfo:
    """A stretch of recognised speech."""

    def __init__(self, segment_info: Any) -> None:
        self._segment_info = segment_info

    @property
    def start_sec(self) -> float:
        """Where it starts."""
        return self._segment_info.start_sec  # type: ignore[no-any-return]

    @property
    def end_sec(self) -> float:
        """Where it ends."""
        return self._segment_info.end_sec  # type: ignore[no-any-return]

    @property
    def text(self) -> str:
        """What was said."""
        return self._segment_info.text  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"SegmentInfo(start_sec={self.start_sec}, end_sec={self.end_sec}, text='{self.text}')"


class Speech2TextTask(Enum):
    """Write down what was said, or its translation."""

    TRANSCRIBE = genai.Speech2TextTask.TRANSCRIBE
    TRANSLATE = genai.Speech2TextTask.TRANSLATE


class Speech2Text(_Closing):
    """A speech recogniser."""

    @named_errors
    def __init__(self, vdevice: Any, model_path: str) -> None:
        self._speech2text: Any = genai.Speech2Text.create(model_path)

    def generate_all_text(
        self,
        audio_data: Any,
        task: Any = Speech2TextTask.TRANSCRIBE,
        language: str | None = None,
        repetition_penalty: float = 1.0,
        timeout_ms: int = 10000,
    ) -> NoReturn:
        """What was said."""
        genai.Speech2Text.create()

    def generate_all_segments(
        self,
        audio_data: Any,
        task: Any = Speech2TextTask.TRANSCRIBE,
        language: str | None = None,
        repetition_penalty: float = 1.0,
        timeout_ms: int = 10000,
    ) -> NoReturn:
        """What was said, with times."""
        genai.Speech2Text.create()

    @named_errors
    def tokenize(self, text: str) -> Any:
        """Token numbers of a text."""
        return self._speech2text.tokenize(text)
