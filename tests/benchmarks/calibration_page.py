"""Pages made of counts."""


def page(settings, found, whole):
    return "\n".join(f"{s.key} {found[s.key]}" for s in settings) + f"\n{whole}\n"
