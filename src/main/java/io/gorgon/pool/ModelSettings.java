package io.gorgon.pool;

import io.gorgon.message.PythonFailure.InvalidSettings;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * These name the language model of a pool's programs and where its key is; they never hold the key.
 * The pool only keeps them: who runs programs reads them, and sends them with each call. Immutable.
 *
 * @param model as LiteLLM names it: {@code provider/model}
 * @param baseUrl where the provider is, if not at its own address
 * @param keyVariable the environment variable of the workers that holds the key
 * @param keySecret the name under which a provider of secrets in the JVM has the key
 * @param adapter how questions and answers are written; empty leaves it to DSPy
 * @param cache whether a worker may answer the same question from its memory
 * @param retries how often a request is repeated that failed for the moment
 * @param requestTimeout how long one request may take; empty leaves it to the client
 * @param options what else the client takes, by its own names
 */
public record ModelSettings(
    String model,
    Optional<String> baseUrl,
    Optional<String> keyVariable,
    Optional<String> keySecret,
    Optional<String> adapter,
    boolean cache,
    int retries,
    Optional<Duration> requestTimeout,
    Map<String, Object> options) {

  /** The options of a client that would be a secret in clear. */
  public static final Set<String> SECRETS =
      Set.of(
          "api_key",
          "azure_ad_token",
          "aws_secret_access_key",
          "aws_session_token",
          "vertex_credentials");

  private static final Set<String> OURS =
      Set.of("api_base", "base_url", "cache", "model", "num_retries", "timeout");

  private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final Duration DAY = Duration.ofDays(1);

  /** Copies. */
  public ModelSettings {
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
  }

  /**
   * Reads the block {@code language-model}; empty where it names no model. What may be a key is
   * never shown.
   *
   * @throws InvalidSettings with the key and what is allowed
   */
  static Optional<ModelSettings> read(SettingsReader in) {
    String model = in.text("language-model.model").strip();
    Optional<String> variable = keyVariable(in);
    Optional<String> secret = optional(in, "key-secret");
    if (variable.isPresent() && secret.isPresent()) {
      throw in.invalid(
          "language-model.key-secret", "is given beside key-env; allowed is one of the two");
    }
    Duration timeout = in.duration("language-model.request-timeout", Duration.ZERO, DAY);
    String adapter = in.oneOf("language-model.adapter", "default", "chat", "json", "xml");
    var settings =
        new ModelSettings(
            model,
            baseUrl(in),
            variable,
            secret,
            adapter.equals("default") ? Optional.empty() : Optional.of(adapter),
            in.flag("language-model.cache"),
            in.integer("language-model.retries", 0, 100),
            timeout.isZero() ? Optional.empty() : Optional.of(timeout),
            options(in));
    if (!model.isEmpty()) {
      return Optional.of(settings);
    }
    if (variable.isPresent() || secret.isPresent() || settings.baseUrl().isPresent()) {
      throw in.invalid(
          "language-model.model", "is missing; it must be provider/model, as LiteLLM names it");
    }
    return Optional.empty();
  }

  private static Optional<String> optional(SettingsReader in, String key) {
    String value = in.text("language-model." + key).strip();
    return value.isEmpty() ? Optional.empty() : Optional.of(value);
  }

  private static Optional<String> keyVariable(SettingsReader in) {
    Optional<String> name = optional(in, "key-env");
    if (name.isPresent() && !VARIABLE.matcher(name.get()).matches()) {
      // It is not shown: somebody may have put the key itself there.
      throw in.invalid(
          "language-model.key-env",
          "is no name of an environment variable: it says where the key is, and is never the key");
    }
    return name;
  }

  private static Optional<String> baseUrl(SettingsReader in) {
    Optional<String> url = optional(in, "base-url");
    if (url.isEmpty()) {
      return url;
    }
    try {
      var parsed = new URI(url.get());
      boolean web = "http".equals(parsed.getScheme()) || "https".equals(parsed.getScheme());
      if (web && parsed.getHost() != null && parsed.getRawUserInfo() == null) {
        return url;
      }
    } catch (URISyntaxException wrong) {
      // Said below, without the text: it may have a password in it.
    }
    throw in.invalid(
        "language-model.base-url",
        "must be http://HOST... or https://HOST..., without a user or password in it");
  }

  private static Map<String, Object> options(SettingsReader in) {
    Map<String, Object> options = in.block("language-model.options");
    for (String name : options.keySet()) {
      if (SECRETS.contains(name)) {
        throw in.invalid(
            "language-model.options." + name,
            "is a secret, which is never given itself: say where it is, by key-env or key-secret");
      }
      if (OURS.contains(name)) {
        throw in.invalid(
            "language-model.options." + name, "is no option: language-model has a key of its own");
      }
    }
    return options;
  }
}
