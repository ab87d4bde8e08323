package io.gorgon.testkit;

import io.gorgon.wire.Frame;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a scripted call ends: what it has changed in its session, if it has returned, and what it
 * answers.
 */
final class ScriptedEnding {

  private final ScriptedRequest request;
  private final Optional<ScriptedSession> session;
  private final Frame.Kind kind;
  private final byte[] body;

  ScriptedEnding(ScriptedRequest request, Frame.Kind kind, byte[] body) {
    this.request = request;
    this.kind = kind;
    this.body = body;
    this.session = kind == Frame.Kind.RESULT ? request.inSession() : Optional.empty();
  }

  /** Whether checkpoints have no answer yet; then {@code again} runs when they have. */
  boolean waits(Runnable again) {
    return session.isPresent() && session.get().isWaiting(again);
  }

  private Optional<String> refusal() {
    return session.flatMap(of -> Optional.ofNullable(of.refusal()));
  }

  /** What goes ahead of the answer. */
  @Nullable Frame patch() {
    return session.isEmpty() || refusal().isPresent() ? null : session.get().patch(0);
  }

  Frame answer() {
    return refusal()
        .map(
            why ->
                Frame.of(
                    Frame.Kind.FAILURE,
                    request.id(),
                    ScriptedAnswer.raised("gorgon.HostError", why)))
        .orElseGet(() -> Frame.of(kind, request.id(), body));
  }
}
