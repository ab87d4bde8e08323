package io.gorgon.testkit;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import io.gorgon.message.Values;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** Writes one answer of a language model, whole or as a stream of server-sent events. */
final class ModelExchange {

  private static final int LETTERS_PER_CHUNK = 5;

  private final HttpExchange exchange;
  private final ModelAnswer answer;
  private final String model;

  ModelExchange(HttpExchange exchange, ModelAnswer answer, String model) {
    this.exchange = exchange;
    this.answer = answer;
    this.model = model;
  }

  /** Who throws this out of a handler has the server close the connection, without a proper end. */
  private static final class Cut extends IOException {
    private Cut() {
      super("cut off, as the test said");
    }
  }

  void write(boolean stream) throws IOException, InterruptedException {
    answer.headers().forEach(exchange.getResponseHeaders()::set);
    if (stream && !answer.raw()) {
      stream();
    } else {
      waitForGate();
      whole();
    }
    exchange.close();
  }

  private void waitForGate() throws InterruptedException {
    if (answer.gate().isPresent()) {
      try {
        answer.gate().get().get();
      } catch (ExecutionException failed) {
        // It is open all the same.
      }
    }
  }

  private void whole() throws IOException {
    byte[] body = (answer.raw() ? answer.text() : completion()).getBytes(StandardCharsets.UTF_8);
    begin("application/json", body.length == 0 ? -1 : body.length);
    if (answer.cut().isPresent()) {
      exchange.getResponseBody().write(body, 0, body.length / 2);
      exchange.getResponseBody().flush();
      throw new Cut();
    }
    exchange.getResponseBody().write(body);
  }

  private void begin(String type, long size) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(answer.status(), size);
  }

  private void stream() throws IOException, InterruptedException {
    begin("text/event-stream", 0);
    OutputStream out = exchange.getResponseBody();
    String text = answer.text();
    int sent = 0;
    for (int at = 0; at < text.length(); at += LETTERS_PER_CHUNK) {
      next(sent++);
      String piece = text.substring(at, Math.min(text.length(), at + LETTERS_PER_CHUNK));
      ObjectNode delta = Values.mapper().createObjectNode();
      event(out, delta.put("content", piece).put("role", "assistant"), null);
    }
    if (answer.pieces() >= sent) {
      waitForGate();
    }
    if (answer.cut().isPresent()) {
      throw new Cut();
    }
    event(out, Values.mapper().createObjectNode(), "stop");
    out.write("data: [DONE]\n\n".getBytes(StandardCharsets.UTF_8));
  }

  /** Before the chunk of that number, from 0. */
  private void next(int number) throws IOException, InterruptedException {
    if (number == answer.pieces()) {
      waitForGate();
    }
    if (answer.cut().isPresent() && number == answer.cut().getAsInt()) {
      throw new Cut();
    }
  }

  private ObjectNode body(String kind) {
    return Values.mapper()
        .createObjectNode()
        .put("id", "1")
        .put("object", kind)
        .put("created", 1)
        .put("model", model);
  }

  private static ObjectNode usage() {
    return Values.mapper()
        .createObjectNode()
        .put("prompt_tokens", FakeLanguageModel.PROMPT_TOKENS)
        .put("completion_tokens", FakeLanguageModel.COMPLETION_TOKENS)
        .put("total_tokens", FakeLanguageModel.PROMPT_TOKENS + FakeLanguageModel.COMPLETION_TOKENS);
  }

  private String completion() {
    ObjectNode body = body("chat.completion");
    body.putArray("choices")
        .addObject()
        .put("index", 0)
        .put("finish_reason", "stop")
        .putObject("message")
        .put("role", "assistant")
        .put("content", answer.text());
    return body.set("usage", usage()).toString();
  }

  private void event(OutputStream out, ObjectNode delta, @Nullable String finished)
      throws IOException {
    ObjectNode body = body("chat.completion.chunk");
    body.putArray("choices")
        .addObject()
        .put("index", 0)
        .put("finish_reason", finished)
        .set("delta", delta);
    if (finished != null) {
      body.set("usage", usage());
    }
    out.write(("data: " + body + "\n\n").getBytes(StandardCharsets.UTF_8));
    out.flush();
  }
}
