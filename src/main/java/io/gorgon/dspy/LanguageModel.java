package io.gorgon.dspy;

import io.gorgon.pool.ModelSettings;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * This names a language model and how to reach it. It travels with each call, so every worker knows
 * it, those too that replace others later. It says where the key is, and never holds it. Immutable;
 * every {@code with...} method gives another one.
 *
 * <pre>{@code
 * LanguageModel.of("openai/gpt-4o-mini").withKeyFromEnvironment("OPENAI_API_KEY").withTemperature(0.2)
 * LanguageModel.of("openai/qwen").withBaseUrl("http://gpu:8000/v1").withSecret("gpu")
 * }</pre>
 *
 * @param model as LiteLLM names it: {@code provider/model}
 * @param baseUrl where the provider is, if not at its own address
 * @param key where the key is; empty leaves it to DSPy, which looks into the provider's usual
 *     environment variable
 * @param adapter how questions and answers are written: {@code chat} (DSPy's default), {@code json}
 *     or {@code xml}
 * @param cache whether a worker may answer the same question from its memory; false unless asked
 *     for. Nothing is ever cached on disk.
 * @param options what else {@code dspy.LM} takes: {@code temperature}, {@code max_tokens}, {@code
 *     num_retries} (3), {@code timeout} in seconds, {@code engine}, ...
 */
public record LanguageModel(
    String model,
    Optional<String> baseUrl,
    Optional<Key> key,
    Optional<String> adapter,
    boolean cache,
    Map<String, Object> options) {

  /** Where a key is. */
  public sealed interface Key {

    /**
     * In an environment variable of the workers: the JVM's own, or the pool's {@code environment}.
     */
    record Environment(String variable) implements Key {}

    /** With the provider of {@link Programs#withSecrets}, under that name. */
    record Secret(String name) implements Key {}
  }

  private static final Set<String> OURS = Set.of("api_base", "base_url", "cache", "model");

  /** It would be kept in clear where a session keeps its model. */
  private static final Pattern USER = Pattern.compile("[^/?#]*//[^/?#]*@");

  private static final Set<String> ADAPTERS = Set.of("chat", "json", "xml");

  /**
   * Checks and copies.
   *
   * @throws IllegalArgumentException for an empty model, a base URL with a user in it, an adapter
   *     that is not known, or an option that has a method of its own, or is a secret
   */
  public LanguageModel {
    if (Objects.requireNonNull(model, "model").isBlank()) {
      throw new IllegalArgumentException("a language model needs a name: provider/model");
    }
    if (baseUrl.filter(url -> USER.matcher(url).lookingAt()).isPresent()) {
      throw new IllegalArgumentException(
          "a base URL has no user or password in it: say where the key is, by a withKey method");
    }
    adapter.ifPresent(
        name -> {
          if (!ADAPTERS.contains(name)) {
            throw new IllegalArgumentException("adapter must be chat, json or xml, not " + name);
          }
        });
    for (String ours : OURS) {
      if (options.containsKey(ours)) {
        throw new IllegalArgumentException(
            "'" + ours + "' is no option: it has a method of its own");
      }
    }
    for (String secret : ModelSettings.SECRETS) {
      if (options.containsKey(secret)) {
        throw new IllegalArgumentException(
            "'"
                + secret
                + "' is never given itself: say where it is, by a withKey method or the"
                + " provider's environment variables");
      }
    }
    options = Collections.unmodifiableMap(new LinkedHashMap<>(options));
  }

  /** A model of that name, as LiteLLM has them: {@code anthropic/claude-sonnet-4-5}. */
  public static LanguageModel of(String model) {
    return new LanguageModel(
        model, Optional.empty(), Optional.empty(), Optional.empty(), false, Map.of());
  }

  /** The one that a pool's block {@code language-model} names. */
  static LanguageModel of(ModelSettings settings) {
    Map<String, Object> options = new LinkedHashMap<>();
    options.put("num_retries", settings.retries());
    settings.requestTimeout().ifPresent(limit -> options.put("timeout", limit.toMillis() / 1000.0));
    options.putAll(settings.options());
    Optional<Key> variable = settings.keyVariable().map(Key.Environment::new);
    return new LanguageModel(
        settings.model(),
        settings.baseUrl(),
        variable.or(() -> settings.keySecret().map(Key.Secret::new)),
        settings.adapter(),
        settings.cache(),
        options);
  }

  /** At another address than the provider's own: a gateway, or a server of yours. */
  public LanguageModel withBaseUrl(String url) {
    return new LanguageModel(model, Optional.of(url), key, adapter, cache, options);
  }

  /** With the key that is in that environment variable of the workers. */
  public LanguageModel withKeyFromEnvironment(String variable) {
    return with(new Key.Environment(variable));
  }

  /**
   * With the key that the provider of {@link Programs#withSecrets} has under that name. A worker
   * asks for it when it first uses the model, and again when it was refused.
   */
  public LanguageModel withSecret(String name) {
    return with(new Key.Secret(name));
  }

  private LanguageModel with(Key other) {
    return new LanguageModel(model, baseUrl, Optional.of(other), adapter, cache, options);
  }

  /** Written and read as {@code chat}, {@code json} or {@code xml}. */
  public LanguageModel withAdapter(String name) {
    return new LanguageModel(model, baseUrl, key, Optional.of(name), cache, options);
  }

  /** Lets a worker answer from its memory what it was asked before. */
  public LanguageModel cached() {
    return new LanguageModel(model, baseUrl, key, adapter, true, options);
  }

  public LanguageModel withTemperature(double temperature) {
    return with("temperature", temperature);
  }

  /** How many tokens an answer has at most. */
  public LanguageModel withMaxTokens(int tokens) {
    return with("max_tokens", tokens);
  }

  /**
   * How often a request is repeated, with growing pauses, that failed for the moment; 3 by default.
   */
  public LanguageModel withRetries(int retries) {
    return with("num_retries", retries);
  }

  /** How long one request may take. */
  public LanguageModel withRequestTimeout(Duration limit) {
    return with("timeout", limit.toMillis() / 1000.0);
  }

  /** Any other option of {@code dspy.LM}. */
  public LanguageModel with(String option, Object value) {
    var more = new LinkedHashMap<>(options);
    more.put(option, value);
    return new LanguageModel(model, baseUrl, key, adapter, cache, more);
  }

  /** As it travels. */
  Map<String, Object> settings() {
    var all = new LinkedHashMap<String, Object>();
    all.put("model", model);
    baseUrl.ifPresent(url -> all.put("base_url", url));
    key.ifPresent(
        where ->
            all.put(
                "key",
                where instanceof Key.Environment environment
                    ? Map.of("environment", environment.variable())
                    : Map.of("secret", ((Key.Secret) where).name())));
    adapter.ifPresent(name -> all.put("adapter", name));
    all.put("cache", cache);
    all.put("options", options);
    return all;
  }
}
