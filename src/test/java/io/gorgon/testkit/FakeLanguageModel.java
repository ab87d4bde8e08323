package io.gorgon.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;

/**
 * A server that speaks as an OpenAI-compatible one does, on this machine: chat completions, whole
 * and streamed. What it answers is scripted, answer by answer, or made by a function of what was
 * asked. So the real client of DSPy runs, and no network is needed.
 *
 * <pre>{@code
 * try (var model = FakeLanguageModel.start(asked -> FakeLanguageModel.fields("answer", "42"))) {
 *   model.next(Answer.status(429).withHeader("retry-after", "7"));
 *   LanguageModel.of("openai/fake").withBaseUrl(model.url()) ...
 * }
 * }</pre>
 */
public final class FakeLanguageModel implements AutoCloseable {

  /** Tokens that every answer says it has used. */
  public static final int PROMPT_TOKENS = 11;

  public static final int COMPLETION_TOKENS = 7;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int LETTERS_PER_CHUNK = 5;

  /**
   * What one request is answered.
   *
   * @param status of HTTP
   * @param text of the message; or the whole body, if {@code raw}
   * @param raw whether the text is the body as it stands
   * @param headers beside the usual ones
   * @param gate what the answer waits for
   * @param pieces how many chunks of a stream come before the gate; all others come behind it
   */
  public record Answer(
      int status,
      String text,
      boolean raw,
      Map<String, String> headers,
      Optional<CompletableFuture<?>> gate,
      int pieces) {

    /** A message. */
    public static Answer text(String text) {
      return new Answer(200, text, false, Map.of(), Optional.empty(), 0);
    }

    /** A body that is no chat completion. */
    public static Answer raw(String body) {
      return new Answer(200, body, true, Map.of(), Optional.empty(), 0);
    }

    /** An error of the provider's. */
    public static Answer error(int status, String message) {
      String body = "{\"error\":{\"message\":\"" + message + "\",\"type\":\"error\"}}";
      return new Answer(status, body, true, Map.of(), Optional.empty(), 0);
    }

    public Answer withHeader(String name, String value) {
      return new Answer(status, text, raw, Map.of(name, value), gate, pieces);
    }

    /** The same, that comes when {@code open} has completed. */
    public Answer behind(CompletableFuture<?> open) {
      return new Answer(status, text, raw, headers, Optional.of(open), 0);
    }

    /** The same, of which the first chunks of a stream come at once. */
    public Answer behind(CompletableFuture<?> open, int pieces) {
      return new Answer(status, text, raw, headers, Optional.of(open), pieces);
    }
  }

  /**
   * What was asked.
   *
   * @param authorization the header
   * @param body the request
   */
  public record Asked(String authorization, JsonNode body) {

    /** The last message. */
    public String last() {
      JsonNode messages = body.path("messages");
      return messages.path(messages.size() - 1).path("content").asText();
    }

    /** All messages. */
    public String all() {
      return body.path("messages").toString();
    }

    /** An input, as DSPy's chat adapter writes it in the last message. */
    public String input(String name) {
      String text = last();
      String mark = "[[ ## " + name + " ## ]]\n";
      int begin = text.indexOf(mark) + mark.length();
      int end = text.indexOf("\n\n", begin);
      return text.substring(begin, end < 0 ? text.length() : end);
    }
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Function<Asked, Answer> otherwise;
  private final LinkedBlockingQueue<Function<Asked, Answer>> script = new LinkedBlockingQueue<>();
  private final List<Asked> asked = new CopyOnWriteArrayList<>();

  private FakeLanguageModel(HttpServer server, Function<Asked, Answer> otherwise) {
    this.server = server;
    this.otherwise = otherwise;
  }

  /** Listens on a port of its own; answers by {@code otherwise} what is not scripted. */
  public static FakeLanguageModel start(Function<Asked, Answer> otherwise) {
    try {
      var server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 128);
      var model = new FakeLanguageModel(server, otherwise);
      server.createContext("/v1/chat/completions", model::answer);
      server.setExecutor(model.threads);
      server.start();
      return model;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** The same answer to all that is not scripted. */
  public static FakeLanguageModel saying(String text) {
    return start(any -> Answer.text(text));
  }

  /** A text that DSPy's chat adapter reads: names and values in turn. */
  public static String fields(String... namesAndValues) {
    var text = new StringBuilder();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      text.append("[[ ## ").append(namesAndValues[i]).append(" ## ]]\n");
      text.append(namesAndValues[i + 1]).append("\n\n");
    }
    return text.append("[[ ## completed ## ]]").toString();
  }

  /** The base URL. */
  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  /** The next request is answered so, and so on in this order. */
  public void next(Answer... answers) {
    for (Answer answer : answers) {
      script.add(any -> answer);
    }
  }

  /** The next request is answered by what that makes of it. */
  public void nextOf(Function<Asked, Answer> made) {
    script.add(made);
  }

  /** All that was asked, in order. */
  public List<Asked> asked() {
    return List.copyOf(asked);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      JsonNode body = JSON.readTree(exchange.getRequestBody());
      String key = exchange.getRequestHeaders().getFirst("Authorization");
      var request = new Asked(key == null ? "" : key, body);
      asked.add(request);
      Function<Asked, Answer> scripted = script.poll();
      Answer answer = (scripted == null ? otherwise : scripted).apply(request);
      answer.headers().forEach(exchange.getResponseHeaders()::set);
      if (body.path("stream").asBoolean() && !answer.raw()) {
        stream(exchange, answer, body.path("model").asText());
      } else {
        answer.gate().ifPresent(CompletableFuture::join);
        send(exchange, answer, body.path("model").asText());
      }
    } catch (IOException hungUp) {
      // Whoever asked did not wait for the answer.
    }
  }

  private static void send(HttpExchange exchange, Answer answer, String model) throws IOException {
    byte[] body =
        (answer.raw() ? answer.text() : completion(answer.text(), model))
            .getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
  }

  private static Map<String, Object> usage() {
    return Map.of(
        "prompt_tokens", PROMPT_TOKENS,
        "completion_tokens", COMPLETION_TOKENS,
        "total_tokens", PROMPT_TOKENS + COMPLETION_TOKENS);
  }

  private static String completion(String text, String model) throws IOException {
    return JSON.writeValueAsString(
        Map.of(
            "id",
            "1",
            "object",
            "chat.completion",
            "created",
            1,
            "model",
            model,
            "choices",
            List.of(
                Map.of(
                    "index",
                    0,
                    "finish_reason",
                    "stop",
                    "message",
                    Map.of("role", "assistant", "content", text))),
            "usage",
            usage()));
  }

  private static void stream(HttpExchange exchange, Answer answer, String model)
      throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
    exchange.sendResponseHeaders(200, 0);
    OutputStream out = exchange.getResponseBody();
    String text = answer.text();
    int sent = 0;
    for (int at = 0; at < text.length(); at += LETTERS_PER_CHUNK) {
      if (sent++ == answer.pieces()) {
        answer.gate().ifPresent(CompletableFuture::join);
      }
      String piece = text.substring(at, Math.min(text.length(), at + LETTERS_PER_CHUNK));
      event(out, model, Map.of("content", piece, "role", "assistant"), null);
    }
    event(out, model, Map.of(), "stop");
    out.write("data: [DONE]\n\n".getBytes(StandardCharsets.UTF_8));
  }

  private static void event(
      OutputStream out, String model, Map<String, String> delta, String finished)
      throws IOException {
    var choice = JSON.createObjectNode().put("index", 0).put("finish_reason", finished);
    choice.set("delta", JSON.valueToTree(delta));
    var event =
        JSON.createObjectNode()
            .put("id", "1")
            .put("object", "chat.completion.chunk")
            .put("created", 1)
            .put("model", model);
    event.putArray("choices").add(choice);
    if (finished != null) {
      event.set("usage", JSON.valueToTree(usage()));
    }
    out.write(("data: " + event + "\n\n").getBytes(StandardCharsets.UTF_8));
    out.flush();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
