"""The policy of an organization for calls to models without a price: get and set it."""

from allowance.contract.preconditions import Precondition
from allowance.http.api import Api
from allowance.reservations.policies import PolicyStore
from allowance.reservations.policy_models import DefaultPolicy, OrganizationPolicy, PolicyTerms

POLICY = "/api/v2/organizations/{organization}/ai/policy"

app = Api()


@app.get(POLICY)
def get_ai_policy(store: PolicyStore) -> OrganizationPolicy | DefaultPolicy:
    """Get the policy of the organization: the deployment's default if nobody has set one."""
    return store.get_policy()


@app.put(POLICY)
def set_ai_policy(
    store: PolicyStore, terms: PolicyTerms, precondition: Precondition
) -> OrganizationPolicy:
    """Set what happens to calls that have no price: deny, allow, or assume a price."""
    return store.set_policy(terms, precondition)


handler = app.handler
