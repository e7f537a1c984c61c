"""Who may call the API: IAM principals, or holders of tokens of the environment's own user pool."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from stacks.config import Environment

GRANTS = ("read", "upload", "change")
"""What a group or scope named `STORE:GRANT` lets its holder do; members of `operator` may do everything."""
OPERATOR = "operator"
SCOPES = "dicomlake"


class SignIn(Construct):
    """The authorizer of every route, and what stands behind it."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, stores: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self.environment_ = environment
        if environment.authorization == "iam":
            self.authorizer: http.IHttpRouteAuthorizer = authorizers.HttpIamAuthorizer()
            return
        grants = [f"{store}:{grant}" for store in stores for grant in GRANTS]
        self.pool = self._pool()
        self._groups([*grants, OPERATOR])
        viewer, machines = self._viewer(), self._machines([*grants, OPERATOR])
        self.issuer = f"https://cognito-idp.{Stack.of(self).region}.amazonaws.com/{self.pool.user_pool_id}"
        self.authorizer = authorizers.HttpJwtAuthorizer(
            "Tokens",
            self.issuer,
            jwt_audience=[viewer.user_pool_client_id, machines.user_pool_client_id],
        )
        CfnOutput(Stack.of(self), "UserPoolId", value=self.pool.user_pool_id)
        CfnOutput(Stack.of(self), "ViewerClientId", value=viewer.user_pool_client_id)

    def _pool(self) -> cognito.UserPool:
        """People are invited, prove a second factor, and have passwords of 14 characters."""
        return cognito.UserPool(
            self,
            "Users",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(sms=False, otp=True),
            password_policy=cognito.PasswordPolicy(
                min_length=14, require_digits=True, require_lowercase=True, require_symbols=True, require_uppercase=True
            ),
            feature_plan=cognito.FeaturePlan.PLUS,
            standard_threat_protection_mode=cognito.StandardThreatProtectionMode.FULL_FUNCTION,
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            removal_policy=self.environment_.removal_policy,
            deletion_protection=self.environment_.keeps_data,
        )

    def _groups(self, names: Sequence[str]) -> None:
        for name in names:
            self.pool.add_group("".join(part.title() for part in name.split(":")), group_name=name)

    def _viewer(self) -> cognito.UserPoolClient:
        """Browsers: authorization code with PKCE, no secret."""
        return self.pool.add_client(
            "Viewer",
            generate_secret=False,
            prevent_user_existence_errors=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[f"{origin}/callback" for origin in self.environment_.cors_origins]
                or ["https://localhost/callback"],
            ),
        )

    def _machines(self, grants: Sequence[str]) -> cognito.UserPoolClient:
        """Programs: client credentials; the scopes that a program asks for are what it may do."""
        scopes = [cognito.ResourceServerScope(scope_name=grant, scope_description=grant) for grant in grants]
        server = self.pool.add_resource_server("Scopes", identifier=SCOPES, scopes=scopes)
        self.pool.add_domain(
            "SignInDomain",
            cognito_domain=cognito.CognitoDomainOptions(
                domain_prefix=f"dicomlake-{self.environment_.name}-{self.environment_.datastore_id('sign-in')[:8]}"
            ),
        )
        return self.pool.add_client(
            "Machines",
            generate_secret=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(client_credentials=True),
                scopes=[cognito.OAuthScope.resource_server(server, scope) for scope in scopes],
            ),
        )
